"""Servers for the situations, each as a person might have it."""

import asyncio
import os
import time

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

app = FastAPI()


@app.get("/app")
def read_app():
    return {"message": "Hello World"}


@app.get("/blocks")
async def blocks():
    time.sleep(600)  # in async def: it holds the event loop, and so every request


@app.get("/slow")
async def slow(seconds: float):
    await asyncio.sleep(seconds)
    return "done"


@app.get("/ends")
def ends():
    os._exit(1)


@app.get("/billing")
def billing():
    raise HTTPException(502, "the billing service did not answer")


@app.get("/bank")
def bank():
    return PlainTextResponse("the bank did not answer in time", 504)


@app.get("/round")
def round_about():
    return RedirectResponse("/about")


@app.get("/about")
def about():
    return RedirectResponse("/round")


@app.get("/fails")
def fails():
    return 1 / 0


host_list = FastAPI()
host_list.add_middleware(TrustedHostMiddleware, allowed_hosts=["app.test"])
guarded = FastAPI()


@guarded.middleware("http")
async def allowed(request: Request, call_next):
    if request.headers["host"].split(":")[0] != "app.test":
        return PlainTextResponse("Invalid Host header - possible DNS rebinding attack detected", 403)
    return await call_next(request)


def one_at_a_time(environ, start_response):
    """A WSGI application: with one worker, a request waits for the one before it."""
    time.sleep(2)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
