"""A page that Vite built, and the API behind it."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

app = FastAPI()


@app.get("/api/books")
async def list_books() -> list[str]:
    return ["Emma", "Ulysses"]


app.mount("/", StaticFiles(directory="dist", html=True))
