"""Signing in with another's account: the address to come back to is built of the request's."""

from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

app = FastAPI(title="Members")


@app.get("/login", include_in_schema=False)
async def login(request: Request):
    query = {
        "client_id": "members",
        "response_type": "code",
        "redirect_uri": str(request.url_for("callback")),
    }
    return RedirectResponse(f"https://accounts.example.net/authorize?{urlencode(query)}")


@app.get("/callback")
async def callback(code: str = ""):
    return {"code": code}


@app.get("/")
async def read_index(request: Request):
    return {"login": str(request.url_for("login"))}
