"""Shiny for Python: a slider, and a text that follows it."""

from shiny import App, Inputs, Outputs, Session, render, ui

page = ui.page_fluid(ui.input_slider("count", "Count", 0, 10, 5), ui.output_text("twice"))


def server(input: Inputs, output: Outputs, session: Session) -> None:
    @render.text
    def twice() -> str:
        return f"twice: {input.count() * 2}"


app = App(page, server)
