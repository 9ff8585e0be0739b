"""A key in a header with an underscore, as FastAPI's reference names one."""

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import APIKeyHeader

app = FastAPI(title="Vault")
header = APIKeyHeader(name="access_token")


@app.get("/secrets")
async def read_secrets(key: str = Depends(header)):
    if key != "open":
        raise HTTPException(403, "wrong key")
    return ["plumbus"]


@app.get("/version")
async def read_version():
    return "1"
