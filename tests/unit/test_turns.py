"""A long response leaves the others their turn (middleware/observe.py, turns.py)."""

import anyio

from behindproxy_serve.middleware.observe import Observe
from behindproxy_serve.middleware.turns import PARTS

SCOPE = {"type": "http", "http_version": "1.1", "path": "/", "headers": []}


async def discard(message):
    pass


def observed(app):
    return Observe(app, "", None, "", 0)


def test_a_response_that_waits_for_nothing_ends_when_its_client_is_found_to_have_left():
    """What it is sent with waits for nothing either, as a server's does once the client has left."""
    parts = 0

    async def endless(scope, receive, send):
        nonlocal parts
        for _ in range(1000 * PARTS):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            parts += 1

    async def together():
        async with anyio.create_task_group() as group:

            async def leaving():
                await anyio.sleep(0)
                group.cancel_scope.cancel()

            group.start_soon(observed(endless), dict(SCOPE), None, discard)
            group.start_soon(leaving)

    anyio.run(together)
    assert 0 < parts <= 3 * PARTS


def test_a_response_of_few_parts_waits_for_nothing(monkeypatch):
    async def short(scope, receive, send):
        for number in range(PARTS):
            await send({"type": "http.response.body", "body": b"x", "more_body": number < PARTS - 1})

    async def never(seconds):
        raise AssertionError

    async def run():
        monkeypatch.setattr("behindproxy_serve.middleware.turns.anyio.sleep", never)
        await observed(short)(dict(SCOPE), None, discard)

    anyio.run(run)
