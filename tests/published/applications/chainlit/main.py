"""A chat of Chainlit that says everything back."""

import chainlit as cl


@cl.on_chat_start
async def start() -> None:
    await cl.Message("hello").send()


@cl.on_message
async def answer(message: cl.Message) -> None:
    await cl.Message(message.content).send()
