"""Quart, with a page that loads its static file and its API's answer."""

from quart import Quart, redirect, url_for

app = Quart(__name__)


@app.get("/")
async def read_page():
    return f"""<!doctype html><title>Books</title><a href="{url_for("old")}">Older</a>
<p id="books"></p><script type="module" src="{url_for("static", filename="page.js")}"></script>"""


@app.get("/books")
async def list_books():
    return ["Emma", "Ulysses"]


@app.get("/old")
async def old():
    return redirect(url_for("read_page"))
