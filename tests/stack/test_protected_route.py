"""A route protected in routes.toml: the suite's check is green on the README's recipe, and red on
each known way to write it wrong."""

import base64
import hashlib
import json
import os
import subprocess
import sys

import httpx
import pytest

USER = "admin:for-tests-only"
PREFIX_RULE = "(Path(`{{ $prefix }}`) || PathPrefix(`{{ $prefix }}/`){{ $metadata }})"
ADDRESSES, METHODS = "path.protected_route", "path.protected_methods"
PRIORITY, CLOSED = "  priority = 200\n", "  priority = 150\n"
RULE = "PathPrefix(`{{ $prefix }}/admin`)"
ROUTER = f"""
[http.routers.admin]
  entryPoints = ["http", "https"]
  rule = "{{{{ $ours }}}}{RULE}"
{PRIORITY}  middlewares = ["admin-users", "app"]
  service = "app"

[http.middlewares.admin-users.basicAuth]
  users = ["USER:{{SHA}}HASH"]

[http.routers.admin-closed]
  entryPoints = ["http", "https"]
  rule = "{{{{ $ours }}}}{RULE}"
{CLOSED}  middlewares = ["nobody"]
  service = "app"

"""
WITH_A_SLASH = (
    "traefik/dynamic/routes.toml",
    RULE,
    "Path(`{{ $prefix }}/admin`) || PathPrefix(`{{ $prefix }}/admin/`)",
)
# Each: what the check must show, and a list of (file, what stands there, what instead).
WRONG = {
    "PathPrefix without a boundary": (
        "/api/v1admin/secret -> 200",
        [("traefik/dynamic/routes.toml", PREFIX_RULE, "PathPrefix(`{{ $prefix }}`)")],
    ),
    "a host of PUBLIC_HOSTS that the protected rule lacks": (
        "Host: [::1] -> 200",
        [
            (
                "traefik/dynamic/routes.toml",
                f"{{{{ $ours }}}}{RULE}",
                f"(Host(`localhost`) || Host(`127.0.0.1`)) && {RULE}",
            )
        ],
    ),
    "priorities left to the length of the rules": (
        "status without credentials: 200",
        [
            ("traefik/dynamic/routes.toml", PRIORITY, ""),
            ("traefik/dynamic/routes.toml", CLOSED, ""),
            ("traefik/dynamic/routes.toml", "  priority = 100  # Explicit", "  # Explicit"),
        ],
    ),
    "protected rule with a slash at its end, encoded slashes allowed": (
        "/api/v1/admin%2fsecret -> 200",
        [WITH_A_SLASH, ("traefik/dynamic/middlewares.toml", '{{ regexMatch "%2F" $allowed }}', "true")],
    ),
    "protected rule for GET alone": (
        "POST -> 200",
        [("traefik/dynamic/routes.toml", RULE, f"{RULE} && Method(`GET`)")],
    ),
    "root_path without the prefix in the path": ("/api/v1/api/v1/admin/secret -> 200", []),
}
MODULES = {"root_path without the prefix in the path": "tests.routes:stripping"}


@pytest.fixture
def protected(stopped):
    """The copy of the checkout with the recipe in it, not started; its files come back afterwards."""
    names = {name for _, edits in WRONG.values() for name, _, _ in edits} | {"traefik/dynamic/routes.toml"}
    before = {stopped.path / name: (stopped.path / name).read_text() for name in names}
    override = stopped.path / "docker-compose.override.yml"
    # The image holds no tests.
    override.write_text('services: {app: {volumes: ["./tests:/srv/tests:ro"]}}\n')
    name, _, password = USER.partition(":")
    digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
    replace(
        stopped,
        "traefik/dynamic/routes.toml",
        "# The health check runs",
        ROUTER.replace("USER:", f"{name}:").replace("HASH", digest) + "# The health check runs",
    )
    yield stopped
    stopped.make("down")
    for path, text in before.items():
        path.write_text(text)
    override.unlink()


def replace(checkout, name: str, old: str, new: str) -> None:
    path = checkout.path / name
    text = path.read_text()
    assert old in text, f"{name} has no {old!r} any more"
    path.write_text(text.replace(old, new))


def answers_of(checkout, check: str, **settings: object) -> dict[str, dict]:
    """The responses of the suite's check, by entrypoint."""
    code, output = checkout.make("up", **{"APP_MODULE": "tests.routes:app", **settings})
    assert code == 0, output
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "src/behindproxy/contract",
            "-k",
            check,
            "--protected",
            "/admin/secret",
            "--user",
            USER,
            "--url",
            f"http://127.0.0.1:{checkout.http}/api/v1",
            "--tls-url",
            f"https://127.0.0.1:{checkout.https}/api/v1",
            "--ca",
            "build/tls/ca.pem",
            "--report",
            "build/verify",
        ],
        cwd=checkout.path,
        capture_output=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # as `make verify` starts it
    )
    report = json.loads((checkout.path / "build" / "verify" / "report.json").read_text())
    answers = {one["entrypoint"]: one for one in report["checks"] if one["id"] == check}
    assert set(answers) == {"http", "https"}
    return answers


@pytest.mark.parametrize(
    "settings",
    [{}, {"APP_SERVER": "gunicorn"}, {"APP_SERVER": "hypercorn"}, {"STRIP_PREFIX": "false"}],
    ids=["uvicorn", "gunicorn", "hypercorn", "unstripped"],
)
def test_the_recipe_has_no_way_round(protected, settings):
    for check in (ADDRESSES, METHODS):
        for entrypoint, answer in answers_of(protected, check, **settings).items():
            assert answer["status"] == "passed", (entrypoint, answer["observed"])


@pytest.mark.parametrize(
    ("edits", "status"),
    [([], 403), ([('["nobody"]', '["app"]')], 200)],
    ids=["the recipe", "without its second router"],
)
def test_where_its_middleware_cannot_be_built_nobody_gets_in(protected, edits, status):
    for old, new in [('["admin-users", "app"]', '["admin-user", "app"]'), *edits]:
        replace(protected, "traefik/dynamic/routes.toml", old, new)
    protected.must("up", APP_MODULE="tests.routes:app")
    answer = httpx.get(f"http://127.0.0.1:{protected.http}/api/v1/admin/secret", trust_env=False)
    assert answer.status_code == status


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_recipe_is_seen(protected, wrong):
    words, edits = WRONG[wrong]
    for name, old, new in edits:
        replace(protected, name, old, new)
    check = METHODS if wrong == "protected rule for GET alone" else ADDRESSES
    module = MODULES.get(wrong, "tests.routes:app")
    for entrypoint, answer in answers_of(protected, check, APP_MODULE=module).items():
        assert answer["status"] == "failed" and words in answer["observed"], (entrypoint, answer)
