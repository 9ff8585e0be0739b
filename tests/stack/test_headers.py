"""What the whole way, Traefik and the wrapper, makes of headers, documentation and the bare prefix."""

import json
import re
import ssl
from dataclasses import dataclass

import httpx
import pytest

from behindproxy_serve.forwarding import SCRUBBED
from tests.checkout import Checkout
from tests.theirs import FRONT, POLICIES, USER

MARK = "# The health check runs"
# The README's "who may use a route": a middleware of one's own, in front.
ROUTER = """
[http.routers.{name}]
  entryPoints = ["http", "https"]
  rule = "PathPrefix(`{{{{ $prefix }}}}/{name}`)"
  priority = 200
  middlewares = ["{name}-auth", "app"]
  service = "app"

[http.middlewares.{name}-auth.forwardAuth]
  address = "{{{{ first (splitList "," (env "APP_SERVERS")) }}}}/auth"
  {headers}

"""
KINDS = "X-Forwarded-(User|Email|Groups|Preferred-Username)|X-Auth-Request-.*|X-Authentik-.*|Remote-.*"
ROUTERS = {
    "listed": f"authResponseHeaders = {json.dumps(list(USER))}",
    "matched": f'authResponseHeadersRegex = "^({KINDS})$"',
}
INVENTED = [(name, "invented") for name in (*SCRUBBED, "X-Replaced-Path")]
ON_NO_LIST = [("X-Authentik-Tenant", "invented"), ("X-Auth-Request-Tenant", "invented")]
DEFAULT, OPEN, CLOSED = (
    {},
    {"HEADER_ALIASES": "keep", "FORWARD_PREFIX": "false", "DOCS": "private", "APP_SERVER": "gunicorn"},
    {"DOCS": "off", "STRIP_PREFIX": "false", "APP_SERVER": "hypercorn"},
)


@dataclass
class Way:
    """The stack with `settings`, and a client on each entrypoint."""

    checkout: Checkout
    settings: dict[str, str]
    http: httpx.Client
    https: httpx.Client
    direct: httpx.Client

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.checkout.http}"


@pytest.fixture(scope="module")
def way(request, checkout):
    """For all tests of one set of settings: in Docker a start takes most of their time."""
    (checkout.path / ".env").unlink(missing_ok=True)
    routes = checkout.path / "traefik" / "dynamic" / "routes.toml"
    override, before = checkout.path / "docker-compose.override.yml", routes.read_text()
    override.write_text('services: {app: {volumes: ["./tests:/srv/tests:ro"]}}\n')  # the image holds no tests
    assert MARK in before
    more = "".join(ROUTER.format(name=name, headers=headers) for name, headers in ROUTERS.items())
    routes.write_text(before.replace(MARK, more + MARK))
    try:
        checkout.must("up", APP_MODULE="tests.theirs:app", **request.param)
        trusted = ssl.create_default_context(cafile=checkout.path / "build" / "tls" / "ca.pem")
        urls = {
            "http": f"http://127.0.0.1:{checkout.http}/api/v1",
            "https": f"https://127.0.0.1:{checkout.https}/api/v1",
            "direct": f"http://127.0.0.1:{checkout.direct}",
        }
        clients = {
            name: httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=30)
            for name, url in urls.items()
        }
        yield Way(checkout, request.param, **clients)
        for client in clients.values():
            client.close()
    finally:
        checkout.make("down")
        routes.write_text(before)
        override.unlink()


def with_settings(**ways: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways.values(), ids=ways, indirect=True)


def lines(log: str, part: str) -> list[dict]:
    """The JSON lines of one part of `make logs`."""
    own = [line for line in log.splitlines() if line.startswith(part)]
    return [json.loads(line[line.index("{") :]) for line in own if "{" in line]


@with_settings(default=DEFAULT, open=OPEN, closed=CLOSED)
def test_an_answer_s_headers_arrive_as_the_application_set_them(way):
    answer = way.http.get("/policies")
    values = {name: answer.headers.get_list(name) for name in (*POLICIES, "X-Request-ID")}
    own_id = answer.headers["x-request-id"]
    assert own_id.startswith("own-")
    assert values == {**{name: [value] for name, value in POLICIES.items()}, "X-Request-ID": [own_id]}
    log = way.checkout.must("logs", FOLLOW=0)
    assert own_id in {line.get("downstream_X-Request-Id") for line in lines(log, "traefik")}
    assert own_id in {line.get("request_id") for line in lines(log, "app")}


@with_settings(default=DEFAULT)
def test_what_it_does_not_set_is_added_and_traefik_adds_nothing(way):
    names = {*POLICIES, "Strict-Transport-Security", "Content-Security-Policy"}
    headers = [
        {name: one.get("/").headers.get_list(name) for name in names} for one in (way.https, way.direct)
    ]
    assert headers[0] == headers[1]
    assert headers[0]["X-Frame-Options"] == ["SAMEORIGIN"]
    assert headers[0]["Permissions-Policy"] == ["camera=(self), geolocation=(self), microphone=(self)"]


@with_settings(default=DEFAULT, open=OPEN, closed=CLOSED)
def test_a_page_of_another_origin_may_read_that_its_upload_was_too_long(way):
    origin, long = {"Origin": FRONT}, bytes(12_000_000)
    answer = way.http.put("/blobs/one", content=bytes(1000), headers=origin)
    refused = way.http.put("/blobs/one", content=long, headers=origin)
    assert (answer.status_code, refused.status_code) == (200, 413)
    cors = [name for name in answer.headers if name.startswith("access-control-")]
    assert cors and {n: refused.headers.get(n) for n in cors} == {n: answer.headers[n] for n in cors}
    other = way.http.put("/blobs/one", content=long, headers={"Origin": "http://other.example"})
    assert "access-control-allow-origin" not in other.headers


@with_settings(default=DEFAULT)
def test_a_key_s_header_with_an_underscore_is_named_with_the_line_that_keeps_it(way):
    assert way.http.get("/orders", headers={"access_token": "open"}).status_code in (401, 403)
    settings = {"APP_MODULE": "tests.theirs:app", "FAST": 1, "CHECKS": "headers.key"}
    code, output = way.checkout.make("verify", **settings)
    assert code != 0
    assert "access_token -> false" in output and "HEADER_ALIASES=keep" in output


@with_settings(open=OPEN)
def test_with_that_line_it_arrives(way):
    assert way.http.get("/orders", headers={"access_token": "open"}).json() == ["open"]
    settings = {"APP_MODULE": "tests.theirs:app", "FAST": 1, "CHECKS": "headers.key", **way.settings}
    way.checkout.must("verify", **settings)


@with_settings(default=DEFAULT, open=OPEN)
def test_a_client_s_identity_headers_never_arrive_however_they_are_spelled(way):
    spelled = [[(name.replace("-", mark), "invented") for name in SCRUBBED if "-" in name] for mark in "_."]
    for headers in (INVENTED, *spelled):
        for begin in range(0, len(headers), 50):  # Gunicorn takes 100 of a request
            pairs = way.http.get("/me", headers=headers[begin : begin + 50]).json()
            assert not [name for name, value in pairs if value == "invented"]


@with_settings(default=DEFAULT, closed=CLOSED)
def test_what_an_authentication_in_front_says_of_the_user_arrives(way):
    for name, invented in {"listed": INVENTED, "matched": INVENTED + ON_NO_LIST}.items():
        pairs = way.http.get(f"/{name}/me", headers=invented).json()
        assert {one: dict(pairs).get(one.lower()) for one in USER} == USER, name
        assert not [one for one, value in pairs if value == "invented"], name
        arrivals = way.http.get("/told").json()
        assert not arrivals.keys() & {one.lower() for one, _ in INVENTED}
        assert "x-proxy-token" not in arrivals
    outside = dict(way.http.get("/me", headers=INVENTED).json())
    assert not outside.keys() & {one.lower() for one in USER}


@with_settings(default=DEFAULT, open=OPEN)
def test_the_application_gets_x_forwarded_prefix_unless_it_must_not(way):
    pairs = way.http.get("/me", headers={"X-Forwarded-Prefix": "/evil"}).json()
    prefixes = [value for name, value in pairs if name == "x-forwarded-prefix"]
    assert prefixes == ([] if way.settings else ["/api/v1"])


@with_settings(default=DEFAULT, open=OPEN, closed=CLOSED)
def test_documentation_is_for_whom_the_setting_says(way):
    statuses = {"public": [200, 200, 200], "private": [404, 404, 200], "off": [404, 404, 404]}
    clients = (way.http, way.https, way.direct)
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/admin/docs"):
        observed = [client.get(path).status_code for client in clients]
        assert observed == statuses[way.settings.get("DOCS", "public")], path
    assert [client.get("/told/nothing").status_code for client in clients] == [404, 404, 404]
    assert [client.get("/policies").status_code for client in clients] == [200, 200, 200]


@with_settings(default=DEFAULT, open=OPEN, closed=CLOSED)
def test_a_page_at_the_bare_prefix_leads_to_where_its_assets_are(way):
    bare = f"{way.origin}/api/v1"
    for method in ("GET", "HEAD"):
        answer = way.http.request(method, f"{bare}?tab=2")
        location = answer.headers["location"].removeprefix(way.origin)
        assert (answer.status_code, location) == (307, "/api/v1/?tab=2")
    page = way.http.get(bare, follow_redirects=True)
    (name,) = re.findall('src="([^"]+)"', page.text)
    assert way.http.get(page.url.join(name)).headers["content-type"].startswith("text/javascript")
    assert way.http.get("/").status_code == 200


@with_settings(default=DEFAULT)
def test_what_is_no_page_stays_at_the_bare_prefix(way):
    answer = way.http.post(f"{way.origin}/api/v1")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/json")
