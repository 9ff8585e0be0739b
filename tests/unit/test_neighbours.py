"""Ports beside another stack of this tool."""

import os
from types import SimpleNamespace

import pytest

from behindproxy.stack import neighbours
from behindproxy.stack import settings as settings_
from behindproxy.stack.settings import PUBLISHED, read


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """What another stack has, and what else is taken."""
    state = SimpleNamespace(others={}, programs=set())
    note = tmp_path / "ports"
    for module in (neighbours, settings_):
        monkeypatch.setattr(module, "KEPT_PORTS", note)
    monkeypatch.setattr(neighbours, "_others", lambda: iter(state.others.items()))
    monkeypatch.setattr(neighbours.ports, "free", lambda port: port not in {*state.others, *state.programs})
    monkeypatch.setattr(settings_, "written", lambda *_: {})
    for key in PUBLISHED:
        monkeypatch.delenv(key, raising=False)
    state.note = note
    return state


def test_a_stack_of_another_network_has_none_of_this_machine_s_ports(monkeypatch):
    environ = {neighbours.native.MARK: "/srv/first/build/native", "HTTP_PORT": "9999"}
    process = SimpleNamespace(pid=os.getpid(), environ=lambda: environ)
    monkeypatch.setattr(neighbours.psutil, "process_iter", lambda: [process])
    monkeypatch.setattr(neighbours.ownership, "stacks", list)
    assert list(neighbours._others()) == [(9999, "/srv/first")]
    process.pid = -1
    networks = {os.getpid(): 1, -1: 2}
    monkeypatch.setattr(neighbours, "_network", networks.get)
    assert list(neighbours._others()) == []


def test_alone_nothing_is_chosen(machine):
    assert neighbours.settle(read(), "docker") == read()
    machine.programs = {9999}  # by what is no stack of this tool: refused later
    assert neighbours.settle(read(), "docker") == read()
    assert not machine.note.exists()


def test_beside_another_stack_all_move_and_stay(machine, capsys):
    machine.others = dict.fromkeys((9999, 9443, 8000), "/srv/first")
    machine.programs = {8010}
    settled = neighbours.settle(read(), "docker")
    assert (settled.http_port, settled.https_port, settled.direct_port) == (10019, 9463, 8020)
    assert "the stack in /srv/first has HTTP_PORT=9999" in capsys.readouterr().out
    machine.others, machine.programs = {}, set()
    assert read().http_port == 10019 and neighbours.settle(read(), "docker") == read()


def test_natively_the_ports_of_health_and_metrics_move_too(machine):
    metrics = read().ops_port + 1
    machine.others = {metrics: "/srv/first"}
    assert neighbours.settle(read(), "docker") == read()
    assert neighbours.settle(read(), "native").ops_port == metrics + 9


def test_a_port_that_the_user_names_stays(machine, monkeypatch):
    monkeypatch.setenv("HTTP_PORT", "9999")
    machine.others = {9999: "/srv/first", 9443: "/srv/first"}
    settled = neighbours.settle(read(), "docker")
    assert (settled.http_port, settled.https_port) == (9999, 9453)


def test_production_keeps_its_ports(machine):
    machine.others = {80: "/srv/first", 443: "/srv/first"}
    settings = read({"DOMAIN": "api.example.com", "ACME_EMAIL": "ops@example.com"})
    assert neighbours.settle(settings, "docker") == settings


@pytest.mark.parametrize("text", ["", "HTTP_PORT=x", "HTTP_PORT", "PATH=9", "\0"])
def test_a_damaged_note_is_none(machine, text):
    machine.note.write_text(text)
    assert read().http_port == 9999
