"""What Hypercorn has no command-line option for: `--config python:behindproxy_serve.hypercorn_config`."""

from .settings import Settings

include_server_header = False  # it names the product and its parser
websocket_max_message_size = Settings().websocket_max_bytes
