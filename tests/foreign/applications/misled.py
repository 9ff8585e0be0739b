"""A start page that leads to what is no URL: a bracket of the address was not closed."""

import shop
from fastapi import Response

app = shop.made()
app.router.routes = [route for route in app.router.routes if getattr(route, "path", "") != "/"]


@app.get("/")
async def read_start():
    return Response(status_code=307, headers={"location": "http://[::1:8000/orders/"})
