"""Nothing of a response depends on where the application is: no links, no redirects, no documentation."""

from collections import Counter

from fastapi import FastAPI, HTTPException, Request

LIMIT = 1000

app = FastAPI(title="Catalogue", docs_url=None, redoc_url=None, redirect_slashes=False)
calls: Counter[str] = Counter()


@app.get("/catalogue")
async def read_catalogue(request: Request):
    calls[request.client.host] += 1
    if calls[request.client.host] > LIMIT:
        raise HTTPException(429)
    return ["a", "b"]


@app.get("/healthy")
async def read_health():
    return {"status": "ok"}
