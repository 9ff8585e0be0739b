"""Somebody's application, which knows nothing of the suite: APP_MODULE=tests.proxies.foreign:app."""

from fastapi import FastAPI

app = FastAPI(title="Shop")


@app.get("/orders/{number}")
async def read_order(number: int) -> dict[str, int]:
    return {"number": number}
