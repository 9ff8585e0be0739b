"""Somebody's application, which knows nothing of the suite: APP_MODULE=tests.proxies.foreign:app.

`probed` is the same one with app/probe.py dropped into it.
"""

from fastapi import FastAPI

from app import probe


def create() -> FastAPI:
    app = FastAPI(title="Shop")

    @app.get("/orders/{number}")
    async def read_order(number: int) -> dict[str, int]:
        return {"number": number}

    return app


app = create()
probed = create()
probed.include_router(probe.router)
