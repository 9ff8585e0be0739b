"""NiceGUI in a FastAPI application."""

from fastapi import FastAPI
from nicegui import ui

app = FastAPI()


@ui.page("/")
def show_counter() -> None:
    ui.label("Counter")
    ui.button("More")
    ui.link("About", "/about")


@ui.page("/about")
def show_about() -> None:
    ui.label("About")


ui.run_with(app, storage_secret="for tests only")
