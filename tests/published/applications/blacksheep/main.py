"""BlackSheep, with a page that loads its static file and its API's answer."""

from blacksheep import Application, get, html, json, redirect

app = Application()
app.serve_files("static", root_path="static")


@get("/")
async def read_page():
    return html("""<!doctype html><title>Books</title><a href="old">Older</a>
<p id="books"></p><script type="module" src="/static/page.js"></script>""")


@get("/books")
async def list_books():
    return json(["Emma", "Ulysses"])


@get("/old")
async def old():
    return redirect("/")
