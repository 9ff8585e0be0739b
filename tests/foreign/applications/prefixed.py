"""Routers that have the public prefix in their paths, as the schema and the docs do."""

from fastapi import APIRouter, FastAPI, HTTPException, Request

BOOKS = {1: "Emma", 2: "Ulysses"}
api = APIRouter(prefix="/api")


@api.get("/books/")
async def read_books(request: Request):
    return [
        {"title": title, "self": str(request.url_for("read_book", number=n))} for n, title in BOOKS.items()
    ]


@api.get("/books/{number}")
async def read_book(number: int):
    if number not in BOOKS:
        raise HTTPException(404, "no such book")
    return {"title": BOOKS[number]}


@api.get("/status")
async def read_status():
    return {"status": "ok"}


app = FastAPI(
    title="Books",
    openapi_url="/api/openapi.json",
    docs_url="/api/docs",
    redoc_url=None,
    swagger_ui_oauth2_redirect_url="/api/docs/oauth2-redirect",
)
app.include_router(api)
