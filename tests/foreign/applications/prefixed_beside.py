"""As `prefixed`, with schema and docs where FastAPI puts them: beside the prefix, where nothing is public."""

from fastapi import FastAPI
from prefixed import api

app = FastAPI(title="Books")
app.include_router(api)
