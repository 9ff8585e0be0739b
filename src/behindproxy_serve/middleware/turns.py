"""What others wait for: a long response that is made without a pause."""

import anyio
from starlette.types import Message, Send

PARTS = 8  # that are sent in one turn


async def give_way(send: Send, message: Message) -> None:
    """Send one part of a response, and let the process's other requests have their turn.

    Uvicorn's and Hypercorn's `send` only waits while a client reads too slowly. Once it has left, or where it
    reads as fast as the application writes, a generator that itself waits for nothing keeps the process to
    its end: others were without an answer, and nobody could notice that the client was gone.
    """
    await send(message)
    await anyio.sleep(0)
