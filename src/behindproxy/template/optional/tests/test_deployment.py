"""What FastAPI's page "Behind a Proxy" states, of this deployment. Edit it: `make verify` runs it, and
`PROXY_URL=… TLS_URL=… DIRECT_URL=… pytest tests/test_deployment.py` against any other.
"""

import os
import ssl
from typing import Any

import pytest

httpx = pytest.importorskip("httpx")
DOCS, SCHEMA = "/docs", "/openapi.json"
PATHS: list[str] = []  # what else must answer, for example "/orders/1"
URLS = {  # one that is not named is skipped
    "http": os.environ.get("PROXY_URL", ""),
    "https": os.environ.get("TLS_URL", ""),
    "direct": os.environ.get("DIRECT_URL", ""),
}
PREFIX = httpx.URL(URLS["http"] or URLS["https"]).path.rstrip("/")
unstripped = os.environ.get("STRIP_PREFIX") == "false"
documented = pytest.mark.skipif(os.environ.get("DOCS", "public") != "public", reason="DOCS is not public")
untrusted = pytest.mark.skipif(bool(os.environ.get("TRUSTED_PROXIES")), reason="TRUSTED_PROXIES is set")
in_schema = pytest.mark.skipif(os.environ.get("ROOT_PATH_IN_SERVERS") == "false", reason="not in the schema")


def get(entrypoint: str, path: str, **headers: str) -> Any:
    if not URLS[entrypoint]:
        pytest.skip(f"no {entrypoint} entrypoint is named")
    url = URLS[entrypoint] + (PREFIX if entrypoint == "direct" and unstripped else "") + path
    return send(url, {name.replace("_", "-"): value for name, value in headers.items()})


def send(url: str, headers: dict[str, str] | None = None) -> Any:
    trusted = ssl.create_default_context(cafile=os.environ.get("CA_FILE") or None)
    return httpx.get(url, headers=headers, verify=trusted, trust_env=False, timeout=60)


def documentation(entrypoint: str, path: str, **headers: str) -> Any:
    answer = get(entrypoint, path, **headers)
    if answer.status_code != 200 or "openapi" not in answer.text:
        pytest.skip(f"{path} is no documentation ({answer.status_code}): DOCS and SCHEMA stand above")
    return answer


@pytest.mark.parametrize("entrypoint", URLS)
@pytest.mark.parametrize("path", PATHS)
def test_a_path_answers_under_the_prefix_and_at_the_server_without_it(entrypoint: str, path: str) -> None:
    assert get(entrypoint, path).status_code == 200


@documented
@pytest.mark.parametrize("entrypoint", URLS)
def test_the_docs_page_names_the_schema_under_the_prefix(entrypoint: str) -> None:
    assert PREFIX + SCHEMA in documentation(entrypoint, DOCS).text


@documented
@in_schema
@pytest.mark.parametrize("entrypoint", URLS)
def test_the_first_server_of_the_schema_is_the_prefix(entrypoint: str) -> None:
    schema = documentation(entrypoint, SCHEMA).json()
    if "servers" not in schema:
        pytest.skip("the application lists no servers")
    assert schema["servers"][0]["url"] == PREFIX


@documented
@untrusted
@pytest.mark.parametrize("entrypoint", URLS)
def test_nobody_makes_the_headers_up(entrypoint: str) -> None:
    made_up = {"X_Forwarded_Proto": "ftp", "X_Forwarded_Host": "evil.example", "X_Forwarded_Prefix": "/evil"}
    own, other = (documentation(entrypoint, SCHEMA, **headers) for headers in ({}, made_up))
    assert own.text == other.text


@pytest.mark.parametrize("entrypoint", ["http", "https"])
def test_nothing_answers_without_the_prefix(entrypoint: str) -> None:
    url = URLS[entrypoint] or pytest.skip(f"no {entrypoint} entrypoint is named")
    answer = send(str(httpx.URL(url).copy_with(path=SCHEMA)))
    assert answer.status_code == 404 or answer.is_redirect  # production's http leads to https
