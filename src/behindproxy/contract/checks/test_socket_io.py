"""Socket.IO under a prefix: its engine compares the whole path, which has the prefix."""

from ..engine import sessions
from ..engine.check import EVERYWHERE, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect


@check(
    "websocket.socket_io",
    title="Socket.IO works under the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source="miguelgrinberg/python-engineio#341; zauberzeug/nicegui#2468",
    statement="A client's Socket.IO handshake gets a session, at its path under the prefix.",
    fix=(
        "Wrap the application in socketio.ASGIApp(server, other_asgi_app=app, socketio_path=PREFIX + "
        "'/socket.io') instead of mounting it: Socket.IO compares the whole path, prefix and mount "
        "included."
    ),
    needs=("socket.io",),
)
def test_socket_io_answers_under_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    paths = entrypoint.target.inventory.socket_io

    def opened(path: str) -> str:
        answer = entrypoint.get(path + sessions.OPEN)
        return "a session" if sessions.session_of(answer) else f"{answer.status_code}"

    answers = entrypoint.each(paths, opened)
    expect.subject = next((path for path in paths if answers[path] == "a session"), paths[0])
    expect.that(
        "a session" in answers.values(), "handshakes", observed=answers, expected="a session at one of them"
    )
