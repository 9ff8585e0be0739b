"""What the application saw of a request, as its probe answers it."""

from typing import TypedDict


class Seen(TypedDict):
    client: list[str | int] | None  # host and port
    scheme: str
    root_path: str
    path: str
    raw_path: str
    url: str
    base_url: str
    http_version: str
    headers: list[list[str]]  # each a name and a value
    url_for: dict[str, str]


def client_host(scope: Seen) -> str | int | None:
    return scope["client"][0] if scope["client"] else None


def header_values(scope: Seen, name: str) -> list[str]:
    return [value for key, value in scope["headers"] if key.lower() == name]
