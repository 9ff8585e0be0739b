"""Redirects that the application makes lead back through the entrypoint the request came in by."""

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect
from .test_prefix import refused_by

SOURCE = "Behind a Proxy › Redirects with HTTPS"
LOST_HINT = (
    "The redirect lost the prefix: start the server with --root-path (API_PREFIX in .env, `make "
    "up`) instead of FastAPI(root_path=). If the scheme is wrong, TRUSTED_PROXIES / "
    "--forwarded-allow-ips does not name the proxy's exact address; if the host is, the proxy "
    "does not pass Host on (passHostHeader in traefik/routes.toml)."
)


@check(
    "redirect.keeps_prefix",
    title="/items redirects to prefix/items/",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=f"{SOURCE}; fastapi#10978",
    statement="A redirect to the slashed path keeps scheme, host, port and prefix.",
    hint=LOST_HINT,
    needs=("items",),
)
def test_the_slash_redirect_keeps_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.get("/items")
    expect("status", answer.status_code, 307)
    expect("Location", answer.headers.get("location"), entrypoint.public("/items/"))


@check(
    "redirect.arrives",
    title="The redirect's target answers",
    entrypoints=PUBLIC,
    kind="claim",
    source=SOURCE,
    statement="Whoever follows the redirect gets the list, not a dead link.",
    hint=LOST_HINT,
    needs=("items",),
)
def test_the_redirect_arrives(entrypoint: Entrypoint, expect: Expect) -> None:
    location = entrypoint.get("/items").headers.get("location", "")
    expect.that(
        location.startswith(entrypoint.origin + "/"),
        "Location",
        observed=location,
        expected=f"{entrypoint.origin}/…",
    )
    answer = expect.json(entrypoint.ask("GET", location.removeprefix(entrypoint.origin)))
    if entrypoint.target.demo:
        expect("body", answer, ["plumbus", "portal gun"])


@check(
    "redirect.keeps_query",
    title="A redirect keeps the query byte for byte",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement=("A redirect carries the query unchanged, repeated keys and percent-encoding included."),
    hint=LOST_HINT,
    needs=("items",),
)
def test_the_redirect_keeps_the_query(entrypoint: Entrypoint, expect: Expect) -> None:
    query = "a=1&a=2&b=%2F%20&c=%C3%A9&d"
    answer = entrypoint.get(f"/items?{query}")
    expect("Location", answer.headers.get("location"), entrypoint.public(f"/items/?{query}"))


@check(
    "redirect.keeps_method",
    title="A POST is redirected as a POST (307)",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement="The redirect does not turn a POST into a GET.",
    hint=LOST_HINT,
    needs=("items",),
    unsafe=True,
)
def test_a_post_is_redirected_as_a_post(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.request("POST", "/items", json={"name": "portal gun"})
    expect("status", answer.status_code, 307)
    expect("Location", answer.headers.get("location"), entrypoint.public("/items/"))


@check(
    "redirect.removes_slash",
    title="/noslash/ redirects to prefix/noslash",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement="The redirect in the other direction, away from a slash, keeps everything too.",
    hint=LOST_HINT,
    needs=("noslash",),
)
def test_the_redirect_away_from_a_slash_keeps_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.get("/noslash/")
    expect("status", answer.status_code, 307)
    expect("Location", answer.headers.get("location"), entrypoint.public("/noslash"))


@check(
    "redirect.keeps_missing_port",
    title="A Host without a port gives a Location without one",
    entrypoints=PUBLIC,
    kind="claim",
    source=f"{SOURCE}; nginx-proxy#2386",
    statement=(
        "The Location names the host exactly as the client wrote it, so a port mapped elsewhere "
        "is not invented."
    ),
    hint=(
        "Something rewrites the port: a pinned Host in traefik/routes.toml, or code that builds "
        "URLs from X-Forwarded-Port. Build links with request.url_for and let Traefik pass Host "
        "on."
    ),
    needs=("items",),
)
def test_a_host_without_a_port_gives_a_location_without_one(entrypoint: Entrypoint, expect: Expect) -> None:
    host = entrypoint.address.bracketed_host
    answer = entrypoint.get("/items", headers={"Host": host})
    expect(
        "Location", answer.headers.get("location"), f"{entrypoint.scheme}://{host}{entrypoint.prefix}/items/"
    )


@check(
    "redirect.start_page",
    title="The bare prefix is in the application",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › Proxy with a stripped path prefix",
    statement=("The bare prefix is an address of the application, and leads nowhere outside the prefix."),
    hint=(
        "The rule in traefik/routes.toml must have Path(`/api/v1`) beside "
        "PathPrefix(`/api/v1/`), and strip-prefix must not end with a slash."
    ),
    needs=("app", "prefix"),
)
def test_the_bare_prefix_leads_into_the_application(entrypoint: Entrypoint, expect: Expect) -> None:
    for path in (entrypoint.prefix, f"{entrypoint.prefix}/"):
        answer = entrypoint.ask("GET", path)
        if entrypoint.target.demo:
            expect.that(
                answer.status_code in (200, 307),
                f"status of {path}",
                observed=answer.status_code,
                expected="200 or 307",
            )
        else:  # it need not have a start page, and says so itself
            by = refused_by(answer, entrypoint.target.ours)
            expect.that(
                by != "404 from the proxy", f"status of {path}", observed=by, expected="not the proxy's"
            )
        if answer.is_redirect:
            location = answer.headers["location"]
            inside = location.startswith(entrypoint.public("/"))
            expect.that(
                inside, f"Location of {path}", observed=location, expected=entrypoint.public("/") + "…"
            )
