"""What BIND_ADDRESS publishes in Docker, and the URLs that are printed and verified for it."""

import json

import pytest

from behindproxy.stack import addresses, docker, native, ownership, ports, render
from behindproxy.stack.settings import StackSettings


def settings(**values: str) -> StackSettings:
    return StackSettings.model_validate(values)


@pytest.mark.parametrize(
    ("address", "hosts", "url"),
    [
        ("127.0.0.1", "localhost,127.0.0.1", "http://127.0.0.1:9999"),
        ("127.0.0.1", "localhost", "http://localhost:9999"),
        ("0.0.0.0", "*", "http://127.0.0.1:9999"),
        ("::", "*", "http://127.0.0.1:9999"),
        ("::1", "localhost,127.0.0.1,[::1]", "http://[::1]:9999"),
        ("2001:db8::1", "*", "http://[2001:db8::1]:9999"),
        ("2001:db8::1", "[2001:db8::1],api.test", "http://[2001:db8::1]:9999"),
        ("2001:db8::1", "api.test", "http://api.test:9999"),
        ("192.0.2.1", "api.test,192.0.2.1", "http://192.0.2.1:9999"),
    ],
)
def test_a_url_has_the_family_of_the_address(address, hosts, url):
    assert settings(bind_address=address, public_hosts=hosts).url("http") == f"{url}/api/v1"


@pytest.mark.parametrize(
    ("host", "reach"),
    [("127.0.0.1", "this machine only"), ("0.0.0.0", "anyone who can"), ("", "anyone who can")],
)
def test_who_reaches_the_direct_entrypoint_is_as_it_was_published(host, reach, monkeypatch, capsys):
    bindings = {"8000/tcp": [{"HostIp": host, "HostPort": "8000"}]}
    app = ownership.Container("1", "shop", "app", "Up", {"HostConfig": {"PortBindings": bindings}})
    monkeypatch.setattr(ownership, "own", lambda: [app])
    addresses.show("docker", settings())
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("direct ")]
    assert reach in line


@pytest.mark.parametrize(
    ("runtime", "address", "is_told"),
    [("native", "0.0.0.0", True), ("native", "192.0.2.1", False), ("docker", "0.0.0.0", False)],
)
def test_natively_every_ipv4_address_is_every_ipv6_address_too(
    runtime, address, is_told, monkeypatch, capsys
):
    monkeypatch.setattr(
        addresses, "_own_addresses", lambda version: {4: ["192.0.2.1"], 6: ["2001:db8::7"]}[version]
    )
    monkeypatch.setattr(ownership, "own", list)
    addresses.show(runtime, settings(bind_address=address))
    assert ("opens IPv6 too: 2001:db8::7" in capsys.readouterr().out) is is_told


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_an_address_of_this_machine_is_not_lost(address):
    assert ports.lost_address(settings(bind_address=address)) == []


def test_an_address_that_this_machine_lost_is_unhealthy_in_both_runtimes(monkeypatch, capsys):
    elsewhere = settings(bind_address="192.0.2.7")
    (line,) = ports.lost_address(elsewhere)
    monkeypatch.setattr(native, "_app_answers", lambda settings: True)
    monkeypatch.setattr(native, "_status", lambda url: None)
    assert line in native.unhealthy(elsewhere)
    for name in ("_own", "_unhealthy", "_beside", "_unreached"):
        monkeypatch.setattr(docker, name, lambda *_: [])
    monkeypatch.setattr(docker, "_environment", lambda settings: {})
    assert docker.ps(elsewhere) == 1
    assert line in capsys.readouterr().out


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
def test_ipv4_and_this_machine_need_no_further_network(address):
    assert render.both_families(settings(bind_address=address)) == []


@pytest.mark.parametrize(
    ("address", "ports"), [("::", ["0.0.0.0:9999:9999", "0.0.0.0:9443:9443"]), ("2001:db8::1", [])]
)
def test_traefik_gets_an_ipv6_network(address, ports, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "BUILD", tmp_path)
    (path,) = render.both_families(settings(bind_address=address))
    content = json.loads(path.read_text())
    assert content["networks"] == {"edge": {"enable_ipv6": True}}
    assert content["services"] == {"traefik": {"ports": ports}}


@pytest.mark.parametrize("version", ["20.10.24", "26.1.5+dfsg1"])
def test_an_engine_that_hides_the_client_is_refused(version, monkeypatch):
    monkeypatch.setattr(ownership, "query", lambda *command: [version])
    with pytest.raises(SystemExit, match=rf"BIND_ADDRESS=::.*{version[:7]}.*RUNTIME=native"):
        docker._refuse_ipv6(settings(bind_address="::"))
    docker._refuse_ipv6(settings(bind_address="0.0.0.0"))
    monkeypatch.setattr(ownership, "query", lambda *command: ["27.0.1"])
    docker._refuse_ipv6(settings(bind_address="::"))
