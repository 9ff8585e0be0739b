"""Litestar, with a page that loads its static file and its API's answer."""

from litestar import Litestar, MediaType, get
from litestar.static_files import create_static_files_router


@get("/", media_type=MediaType.HTML)
async def read_page() -> str:
    return """<!doctype html><title>Books</title><a href="schema/openapi.json">Schema</a>
<p id="books"></p><script type="module" src="/static/page.js"></script>"""


@get("/books")
async def list_books() -> list[str]:
    return ["Emma", "Ulysses"]


app = Litestar([read_page, list_books, create_static_files_router("/static", ["static"], name="static")])
