"""It greets its client, and shows the request: no links, no redirects, no documentation."""

from fastapi import FastAPI, Request

app = FastAPI(title="Greeter", docs_url=None, redoc_url=None, redirect_slashes=False)


@app.get("/greeting")
async def read_greeting(request: Request):
    return {"greeting": "hello", "client": request.client.host if request.client else ""}


@app.get("/request")
async def read_request(request: Request):
    return {"headers": dict(request.headers), "server": request.scope["server"]}
