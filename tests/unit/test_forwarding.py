"""Headers that a client may not send: one list, which Traefik, the wrapper and the suite read alike."""

import re
import tomllib
from fnmatch import fnmatch

import pytest

from behindproxy.contract.engine.lies import OURS
from behindproxy.stack.paths import DYNAMIC, ROOT
from behindproxy.stack.render import static
from behindproxy.stack.settings import StackSettings, read
from behindproxy_serve.forwarding import IDENTITY, SCRUBBED, TRAEFIK_HEADERS, WAY
from behindproxy_serve.settings import Settings
from tests.mutants.template import render

from .test_asgi import ask


def middlewares(**settings: str) -> dict:
    environ = StackSettings(**settings).environ()
    return tomllib.loads(render((DYNAMIC / "middlewares.toml").read_text(), environ))["http"]["middlewares"]


def blanked(**settings: str) -> set[str]:
    headers = middlewares(**settings)["scrub-headers"]["headers"]["customRequestHeaders"]
    assert not any(headers.values())
    return set(headers) - {"Sec-Websocket-Extensions", "X-Replaced-Path", "X-Forwarded-Prefix"}


def test_traefik_deletes_what_it_would_pass_on_of_a_client_behind_load_balancers():
    headers = middlewares(trusted_proxies="192.0.2.1")["scrub-headers"]["headers"]["customRequestHeaders"]
    names = {"X-Forwarded-Prefix", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info"}
    assert names <= set(headers)


def test_traefik_deletes_what_is_on_the_list_and_each_name_is_once_on_it():
    assert blanked() == set(SCRUBBED)
    assert len({name.lower() for name in (*TRAEFIK_HEADERS, *WAY, *IDENTITY)}) == len(TRAEFIK_HEADERS) + len(
        SCRUBBED
    )
    assert set(OURS) <= set(SCRUBBED)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("nginx/api.conf", r'proxy_set_header (\S+) "";'), ("caddy/Caddyfile", r"request_header -(\S+)")],
)
def test_the_other_proxies_configurations_delete_them_too(name, pattern):
    deleted = re.findall(pattern, (ROOT / "deploy" / name).read_text())
    missing = [one for one in SCRUBBED if not any(fnmatch(one, pattern_) for pattern_ in deleted)]
    assert missing == []


# Each as the documentation of the product names them.
UNSIGNED = {
    "Cloudflare Access": "Cf-Access-Authenticated-User-Email",
    "Pomerium": "X-Pomerium-Claim-Email X-Pomerium-Claim-Groups X-Pomerium-Claim-Name X-Pomerium-Claim-User",
    "APISIX and Kong (openid-connect)": "X-Userinfo",
    "Google IAP": "X-Goog-Authenticated-User-Email X-Goog-Authenticated-User-Id",
    "Google API Gateway and Endpoints": "X-Apigateway-Api-Userinfo X-Endpoint-Api-Userinfo",
    "AWS ALB": "X-Amzn-Oidc-Accesstoken X-Amzn-Oidc-Identity X-Amzn-Mtls-Clientcert",
    "AWS VPC Lattice": "X-Amzn-Lattice-Identity",
    "Azure App Service": "X-Ms-Client-Principal X-Ms-Client-Principal-Id X-Ms-Client-Principal-Name",
    "Tailscale": "Tailscale-User-Login Tailscale-User-Name Tailscale-User-Profile-Pic "
    "Tailscale-App-Capabilities",
    "oauth2-proxy": "X-Forwarded-Access-Token X-Forwarded-Email X-Auth-Request-User",
    "Grafana": "X-Webauth-User",
}
SIGNED = {
    "Cf-Access-Jwt-Assertion",
    "X-Amzn-Oidc-Data",
    "X-Goog-Iap-Jwt-Assertion",
    "X-Pomerium-Jwt-Assertion",
}


@pytest.mark.parametrize("product", UNSIGNED)
def test_what_a_product_says_of_a_user_without_a_signature_is_on_the_list(product):
    assert set(UNSIGNED[product].split()) <= set(IDENTITY)


def test_what_is_signed_is_not():
    assert not SIGNED & set(IDENTITY)


def test_they_are_deleted_at_the_entrypoints_before_a_router_s_own_middlewares():
    chains = {name: middlewares()[name]["chain"]["middlewares"] for name in ("front", "app")}
    assert chains == {
        "front": ["encoded-characters", "scrub-headers"],
        "app": ["bare-prefix", "strip-prefix", "retry"],
    }
    points = tomllib.loads(static(StackSettings(), native=False))["entryPoints"]
    assert [points[name]["http"]["middlewares"] for name in ("http", "https")] == [["front@file"]] * 2


def test_with_a_domain_http_only_redirects_before_the_files_are_read():
    domain = StackSettings(domain="api.example.com", acme_email="ops@example.com")
    points = tomllib.loads(static(domain, native=False))["entryPoints"]
    assert "middlewares" not in points["http"]["http"]
    assert points["https"]["http"]["middlewares"] == ["front@file"]


def test_what_load_balancers_in_front_write_arrives_by_a_setting():
    values = {"identity_headers": "x-forwarded-user, Cf-Connecting-IP", "trusted_proxies": "192.0.2.1"}
    assert set(SCRUBBED) - blanked(**values) == {"X-Forwarded-User", "Cf-Connecting-Ip"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"IDENTITY_HEADERS": "Remote-User"}, "without TRUSTED_PROXIES only clients send them"),
        ({"IDENTITY_HEADERS": "X-Tenant", "TRUSTED_PROXIES": "192.0.2.1"}, "'X-Tenant' is not one of the"),
    ],
)
def test_an_identity_header_that_makes_no_sense_is_refused(values, words, tmp_path):
    with pytest.raises(SystemExit, match=f"^IDENTITY_HEADERS=.*{words}.*; for example [A-Z_]+=[^ ]+$"):
        read(values, tmp_path / "none")


@pytest.mark.parametrize("alias", ["x_forwarded_user", "x.forwarded.for", "x-forwarded_proto", "remote_user"])
def test_another_spelling_of_such_a_header_reaches_no_application(alias):
    others = ["access_token", "api_key", "x_tenant", "remote_control"]
    headers = [(name, "invented") for name in (alias, *others)]
    assert ask(headers=headers)[1]["headers"] == sorted(["host", "x-request-id", *others])


@pytest.mark.parametrize(("aliases", "strategy"), [("delete", "delete"), ("keep", "keep")])
def test_the_setting_says_what_traefik_does_with_names_that_it_cannot_tell_apart(aliases, strategy):
    points = tomllib.loads(static(StackSettings(header_aliases=aliases), native=True))["entryPoints"]
    assert [points[name]["http"]["aliasHeadersStrategy"] for name in ("http", "https")] == [strategy] * 2
    assert points["ops"]["http"]["aliasHeadersStrategy"] == "delete"


def test_plain_compose_which_has_no_rendered_file_refuses_to_keep_them():
    settings = (DYNAMIC / "00-settings.toml").read_text()
    plain = StackSettings(header_aliases="keep").environ() | {"PLAIN_REPLICAS": "1"}
    with pytest.raises(
        ValueError, match=r"^HEADER_ALIASES=keep: traefik.toml cannot read it; start with `make up`"
    ):
        render(settings, plain)
    render(settings, plain | {"STATIC_DIR": "/run/traefik"})


def test_the_prefix_is_said_to_the_application_unless_a_setting_forbids_it():
    assert "to-app" not in middlewares()
    without = middlewares(forward_prefix="false")
    assert without["app"]["chain"]["middlewares"] == ["bare-prefix", "strip-prefix", "to-app", "retry"]
    assert without["to-app"]["headers"]["customRequestHeaders"] == {"X-Forwarded-Prefix": ""}


def test_the_wrapper_has_the_aliases_of_all_of_them():
    names = [f"{name.lower().replace('-', '_')}" for name in (*TRAEFIK_HEADERS, *SCRUBBED) if "-" in name]
    headers = [(name, "invented") for name in names]
    assert ask(headers=headers, **Settings().model_dump(include={"app_server"}))[1]["headers"] == [
        "host",
        "x-request-id",
    ]
