"""An ordinary API: routers, links by url_for, slash redirects, a cookie, a mounted application, files."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles

ORDERS = {1: ["tea", "cups"], 2: ["a kettle"]}

orders = APIRouter(prefix="/orders", tags=["orders"])
account = APIRouter(prefix="/account", tags=["account"])
reports = FastAPI(title="Reports")


@orders.get("/")
async def read_orders(request: Request):
    return [
        {"number": number, "self": str(request.url_for("read_order", number=number))} for number in ORDERS
    ]


@orders.get("/{number}")
async def read_order(number: int, request: Request):
    if number not in ORDERS:
        raise HTTPException(404, "no such order")
    return {"number": number, "lines": ORDERS[number], "all": str(request.url_for("read_orders"))}


@orders.post("/", status_code=201)
async def place_order():
    return {"number": 3}


@account.get("/basket")
async def read_basket(request: Request, response: Response):
    response.set_cookie(
        "basket",
        "2",
        path=request.scope["root_path"] or "/",
        secure=request.url.scheme == "https",
        httponly=True,
    )
    return {"lines": []}


@reports.get("/monthly/")
async def read_monthly(request: Request):
    return {"month": "2026-10", "self": str(request.url_for("read_monthly"))}


def made(**options) -> FastAPI:
    app = FastAPI(title="Shop", **options)
    app.include_router(orders)
    app.include_router(account)
    app.mount("/reports", reports)
    app.mount("/files", StaticFiles(directory=Path(__file__).with_name("files"), html=True), name="files")
    app.get("/")(read_index)
    return app


async def read_index(request: Request):
    return {
        "orders": str(request.url_for("read_orders")),
        "terms": str(request.url_for("files", path="terms.txt")),
    }


app = made()
