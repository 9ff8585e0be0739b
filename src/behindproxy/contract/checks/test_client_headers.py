"""A client's own forwarding headers are replaced or removed."""

from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.lies import OURS, lies, view


@check(
    "trust.one_value_each",
    title="Each forwarding header arrives once, with the proxy's value",
    entrypoints=PUBLIC,
    level="exposed",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; CVE-2026-88004",
    statement="The proxy replaces a client's forwarding headers: one line each, with its own value.",
    fix=(
        "Let the proxy overwrite the forwarding headers, except those from a trusted load balancer: it "
        "passes on what any client wrote. If only the client's address is wrong, the server trusts more "
        "than the proxy (--forwarded-allow-ips=*)."
    ),
    needs=("probe", "untrusted caller"),
)
def test_the_proxy_replaces_a_clients_headers(entrypoint: Entrypoint, expect: Expect) -> None:
    names = (
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-real-ip",
        "x-forwarded-prefix",
    )

    def given(headers: list[tuple[str, str]]) -> dict[str, list[str]]:
        pairs = entrypoint.probe(headers=headers)["headers"]
        return {name: [value for key, value in pairs if key.lower() == name] for name in names}

    honest = given([])
    sent_by_proxy = {name: values for name, values in honest.items() if values}
    expect.that(
        bool(sent_by_proxy), "headers of the proxy", observed=honest, expected="at least X-Forwarded-For"
    )
    expect(
        "values with none invented",
        {n: len(v) for n, v in sent_by_proxy.items()},
        dict.fromkeys(sent_by_proxy, 1),
    )
    if not entrypoint.target.ours:
        expect.level = (
            "hardening"  # a list that ends with its own is one value; the effects are checked above
        )
    for name, headers in lies(entrypoint.scheme).items():
        expect(f"values under {name}", {n: given(headers)[n] for n in sent_by_proxy}, sent_by_proxy)


@check(
    "trust.scrubbed_headers",
    title="Forwarding headers that the proxy does not set are removed",
    entrypoints=PUBLIC,
    level="exposed",
    source="CVE-2026-88011; CVE-2026-54763",
    statement=(
        "Forwarding headers that the proxy does not set itself, and aliases of those it does, never arrive."
    ),
    fix=(
        "Let the proxy delete forwarding headers that it does not set itself, and their spellings with _ "
        "and . instead of -."
    ),
    needs=("probe",),
)
def test_headers_that_traefik_passes_through_are_removed(entrypoint: Entrypoint, expect: Expect) -> None:
    names = [name for name in OURS if name not in entrypoint.target.identity_headers]
    aliases = [
        "X_Forwarded_For",
        "X.Forwarded.For",
        "X_Forwarded_Proto",
        "X.Forwarded.Proto",
        "X.Forwarded.Prefix",
    ]
    aliases += ["X_Forwarded_Prefix", "X_Real_Ip", "X.Forwarded.User", "Script_Name"]
    if not entrypoint.target.ours:
        # Somebody's proxy may pass what their server never reads; trust.proxy_cannot_spoof has the effects.
        expect.level = "hardening"
        names, aliases = ["Forwarded"], ["X_Forwarded_For", "X_Forwarded_Proto"]
    scope = entrypoint.probe(headers=[(name, "invented") for name in names + aliases])
    survivors = sorted({key for key, value in scope["headers"] if value == "invented"})
    expect.that(not survivors, "invented headers that arrived", observed=survivors, expected="none")


@check(
    "trust.connection_trick",
    title="Connection cannot remove a forwarding header",
    entrypoints=PUBLIC,
    level="exposed",
    source="CVE-2024-45410; CVE-2026-29054",
    statement="Naming forwarding headers in Connection does not make the proxy drop them.",
    fix=("Use Traefik 3.7.13 or newer, and list no forwarding header in forwardedHeaders.connection."),
    needs=("probe",),
)
def test_connection_cannot_remove_the_proxys_headers(entrypoint: Entrypoint, expect: Expect) -> None:
    def names(headers: dict[str, str]) -> list[str]:
        scope = entrypoint.probe(headers=headers)
        return sorted(
            {key.lower() for key, _ in scope["headers"] if key.lower().startswith(("x-forwarded", "x-real"))}
        )

    honest_names, honest_view = names({}), view(entrypoint.probe())
    expect.that(bool(honest_names), "headers of the proxy", observed="none", expected="at least one")
    for token in (
        "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Prefix, X-Real-Ip",
        "x-forwarded-for, X_FORWARDED_PROTO",
    ):
        headers = {"Connection": f"close, {token}"}
        expect(f"headers that arrive under Connection: {token}", names(headers), honest_names)
        expect(f"view under Connection: {token}", view(entrypoint.probe(headers=headers)), honest_view)
