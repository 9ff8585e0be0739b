"""Keys of `.env` that are no settings: the application gets them, and nothing else does."""

import psutil

from behindproxy.settings.table import TABLE
from tests.checkout import docker

OWN = {"SECRET_KEY": "s3cret$1", "CURRENCY": "EUR"}
OF_THE_STACK = {key for key, one in TABLE.items() if one.validated and one.scope != "application"}
OF_OTHERS = {"GF_SECURITY_ADMIN_PASSWORD": "x", "UVICORN_WORKERS": "4", "TRAEFIK_PROVIDER_TOKEN": "x"}


def environments(stack) -> dict[str, dict[str, str]]:
    """What the application and Traefik have in their environment."""
    if stack.runtime == "docker":
        form = "{{range .Config.Env}}{{println .}}{{end}}"
        return {
            service: dict(
                line.split("=", 1)
                for line in docker("inspect", "--format", form, stack.container(service)).splitlines()
                if line
            )
            for service in ("app", "traefik")
        }
    result = {}
    for process in psutil.process_iter(["cmdline", "environ"]):
        mine, command = process.info["environ"] or {}, " ".join(process.info["cmdline"] or [])
        if mine.get("RUN_DIR", "").startswith(str(stack.path)):
            result[
                "app" if " behindproxy_serve.asgi:app " in command else command.split(" ")[0].split("/")[-1]
            ] = mine
    return result


def test_the_application_alone_gets_them(stopped):
    lines = [f"{key}='{value}'" for key, value in {**OWN, **OF_OTHERS, "API_PREFX": "/x"}.items()]
    (stopped.path / ".env").write_text("\n".join(lines))
    output = stopped.must("up")
    assert "warning: .env: API_PREFX is not a setting" in output and "API_PREFIX is one" in output
    environs = environments(stopped)
    assert OWN.items() <= environs["app"].items()
    assert not OWN.keys() & environs["traefik"].keys()
    assert not (OF_OTHERS.keys() | OF_THE_STACK - {"DOMAIN"}) & environs["app"].keys()
    for path in (stopped.path / "build").rglob("*.json"):
        assert OWN["SECRET_KEY"] not in path.read_text(errors="replace"), path
    # Another value is another environment: it is applied as a setting is.
    (stopped.path / ".env").write_text("CURRENCY=USD\n")
    stopped.must("up")
    environs = environments(stopped)["app"]
    assert environs["CURRENCY"] == "USD" and "SECRET_KEY" not in environs
