"""A GraphQL API of Strawberry in FastAPI, with its GraphiQL."""

import strawberry
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from strawberry.fastapi import GraphQLRouter

PAGE = """<!doctype html><title>Books</title><a href="graphql">GraphiQL</a><p id="titles"></p>
<script type="module">
const answer = await fetch("/graphql", {
  method: "POST",
  headers: {"Content-Type": "application/json"},
  body: JSON.stringify({query: "{ titles }"}),
});
document.getElementById("titles").textContent = (await answer.json()).data.titles;
</script>"""


@strawberry.type
class Query:
    @strawberry.field
    def titles(self) -> list[str]:
        return ["Emma", "Ulysses"]


app = FastAPI()
app.include_router(GraphQLRouter(strawberry.Schema(Query)), prefix="/graphql")


@app.get("/", response_class=HTMLResponse)
async def read_page() -> str:
    return PAGE
