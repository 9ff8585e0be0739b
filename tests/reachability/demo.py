"""Servers for the situations, each as a person might have it."""

import time

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

app = FastAPI()


@app.get("/app")
def read_app():
    return {"message": "Hello World"}


@app.get("/blocks")
async def blocks():
    time.sleep(600)  # in async def: it holds the event loop, and so every request


@app.get("/round")
def round_about():
    return RedirectResponse("/about")


@app.get("/about")
def about():
    return RedirectResponse("/round")


@app.get("/fails")
def fails():
    return 1 / 0
