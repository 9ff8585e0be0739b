"""What is missing from Hypercorn's limit on WebSockets: it has no option for either of these."""

from typing import Any


def limit_hypercorn_websockets() -> None:
    """Complete Hypercorn's limit on messages.

    It agrees to compression, and unpacks a message before it looks at the length. And after its 1009
    it reads on, and keeps whatever a client sends that does not go away.
    """
    from hypercorn.protocol import ws_stream

    class Uncompressed(ws_stream.Handshake):
        def __init__(self, headers: list[tuple[bytes, bytes]], http_version: str) -> None:
            super().__init__(headers, http_version)
            self.extensions = None

    class Bounded(ws_stream.WebsocketBuffer):
        def extend(self, event: Any) -> None:
            if self.length + len(event.data) > self.max_length:
                self.clear()
                self.length = self.max_length  # nothing fits any more
                raise ws_stream.FrameTooLargeError
            super().extend(event)

    ws_stream.Handshake = Uncompressed  # type: ignore[misc]
    ws_stream.WebsocketBuffer = Bounded  # type: ignore[misc]
