"""Gradio, mounted in a FastAPI application."""

import gradio as gr
from fastapi import FastAPI

with gr.Blocks() as blocks:
    count = gr.Slider(0, 10, value=5, label="Count")
    twice = gr.Textbox(label="Twice")
    count.change(lambda count: str(count * 2), count, twice)
    blocks.load(lambda: "ten", None, twice)

app = gr.mount_gradio_app(FastAPI(), blocks, path="/")
