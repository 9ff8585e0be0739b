"""What FastAPI's page "Behind a Proxy" states, of this deployment. Edit it: the paths stand below.

`make verify` runs it against the stack, `PROXY_URL=… TLS_URL=… DIRECT_URL=… pytest` against any other.
"""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

HELLO, ITEMS, MOUNTED = "/app", "/items/", "/sub"
URLS = {  # an empty one is skipped
    "http": os.environ.get("PROXY_URL", "http://127.0.0.1:9999/api/v1"),
    "https": os.environ.get("TLS_URL", "https://127.0.0.1:9443/api/v1"),
    "direct": os.environ.get("DIRECT_URL", "http://127.0.0.1:8000"),
}
CA_FILE = Path(os.environ.get("CA_FILE") or "build/tls/ca.pem")
PREFIX = httpx.URL(URLS["http"] or URLS["https"]).path.rstrip("/")
stripped = pytest.mark.skipif(os.environ.get("STRIP_PREFIX") == "false", reason="STRIP_PREFIX=false")
in_schema = pytest.mark.skipif(os.environ.get("ROOT_PATH_IN_SERVERS") == "false", reason="not in the schema")
documented = pytest.mark.skipif(os.environ.get("DOCS", "public") != "public", reason="DOCS is not public")
untrusted = pytest.mark.skipif(bool(os.environ.get("TRUSTED_PROXIES")), reason="TRUSTED_PROXIES is set")


def client(entrypoint: str) -> Iterator[httpx.Client]:
    if not URLS[entrypoint]:
        pytest.skip(f"no {entrypoint} entrypoint is named")
    trusted = ssl.create_default_context(cafile=CA_FILE if CA_FILE.exists() else None)
    # Without trust_env: a company's proxy must not answer for the deployment.
    with httpx.Client(base_url=URLS[entrypoint], verify=trusted, trust_env=False, timeout=60) as own_client:
        yield own_client


@pytest.fixture(params=["http", "https"])
def proxied(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    yield from client(request.param)


@pytest.fixture
def direct() -> Iterator[httpx.Client]:
    yield from client("direct")


def public(http: httpx.Client, path: str) -> str:
    """The address that a browser has for a path of the application."""
    return str(http.base_url).rstrip("/") + path


# Proxy Forwarded Headers


def test_a_redirect_leads_to_the_public_address(proxied: httpx.Client) -> None:
    assert proxied.get(ITEMS.rstrip("/")).headers["location"] == public(proxied, ITEMS)


@untrusted
def test_a_client_cannot_make_the_headers_up(proxied: httpx.Client) -> None:
    made_up = {"X-Forwarded-Proto": "ftp", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"}
    answer = proxied.get(ITEMS.rstrip("/"), headers=made_up)
    assert answer.headers["location"] == public(proxied, ITEMS)


def test_the_server_takes_the_headers_from_the_proxy_alone(direct: httpx.Client) -> None:
    answer = direct.get(ITEMS.rstrip("/"), headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["location"].startswith(public(direct, "/"))


# Proxy with a stripped path prefix


def test_the_application_answers_under_the_prefix(proxied: httpx.Client) -> None:
    assert proxied.get(HELLO).json() == {"message": "Hello World", "root_path": PREFIX}


@pytest.mark.skipif(HELLO == PREFIX, reason="the prefix is called like the path")
def test_nothing_answers_without_the_prefix(proxied: httpx.Client) -> None:
    assert proxied.get(proxied.base_url.copy_with(path=HELLO)).status_code == 404


def test_the_server_itself_answers_the_same_without_it(direct: httpx.Client) -> None:
    assert direct.get(HELLO).json() == {"message": "Hello World", "root_path": PREFIX}


@stripped
def test_the_server_itself_is_not_reached_under_the_prefix(direct: httpx.Client) -> None:
    assert direct.get(PREFIX + HELLO).status_code == 404


# Check the docs UI


@documented
def test_the_docs_page_names_the_schema_under_the_prefix(proxied: httpx.Client) -> None:
    assert f"{PREFIX}/openapi.json" in proxied.get("/docs").text
    assert "openapi" in proxied.get("/openapi.json").json()


@documented
def test_the_server_s_own_docs_page_expects_the_proxy(direct: httpx.Client) -> None:
    assert f"{PREFIX}/openapi.json" in direct.get("/docs").text


# Additional servers


@documented
@in_schema
def test_the_first_server_of_the_schema_is_the_prefix(proxied: httpx.Client) -> None:
    assert proxied.get("/openapi.json").json()["servers"][0]["url"] == PREFIX


@documented
@in_schema
def test_try_it_out_reaches_the_application(proxied: httpx.Client) -> None:
    first = proxied.get("/openapi.json").json()["servers"][0]["url"]
    page = httpx.URL(public(proxied, "/docs"))
    assert proxied.get(page.join(first + HELLO)).status_code == 200


# Mounting a sub-application


def test_a_mounted_application_works_as_it_is(proxied: httpx.Client) -> None:
    assert proxied.get(f"{MOUNTED}/app").json()["root_path"] == PREFIX + MOUNTED


@documented
def test_a_mounted_application_has_a_schema_of_its_own(proxied: httpx.Client) -> None:
    assert proxied.get(f"{MOUNTED}/openapi.json").json()["servers"][0]["url"] == PREFIX + MOUNTED
