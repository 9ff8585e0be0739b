"""The doctor's checks with made-up facts, and its readings of what machines print."""

import time
from dataclasses import replace

import pytest

from behindproxy.doctor import asking, checks, commands, containers, gather, machine, report, unanswered, url
from behindproxy.doctor.addresses import kind
from behindproxy.doctor.facts import Answer, Facts
from behindproxy.doctor.writer import who
from behindproxy.stack.paths import ROOT

from .doctor_facts import (
    HELLO,
    JSON,
    STACK,
    TRAEFIK_404,
    URLS,
    answer,
    certified,
    healthy,
    no_stack,
    with_,
    with_app,
)


def findings(facts: Facts) -> list[str]:
    return [step.id for step in checks.steps(facts) if step.finding]


def explained(facts: Facts, target: Answer) -> list[str]:
    facts.target = target
    facts.target_ours = target.address in facts.own or target.address.startswith("127.")
    return [step.id for step in url.steps(facts) if step.finding]


def test_a_healthy_stack_has_no_finding_and_says_who_reaches_it():
    steps = checks.steps(healthy())
    assert [step for step in steps if step.finding] == []
    text = " ".join(step.text for step in steps)
    assert "172.31.3.163 (eth0) is private (RFC 1918)" in text
    assert "security group or firewall cannot be seen from here" in text
    assert "plain SSH does not forward ports" in text
    assert "172.17.0.1" not in text, "an engine's bridge is nobody's way in"


@pytest.mark.parametrize("facts, ids", STACK)
def test_what_is_wrong_is_found_and_nothing_else(facts, ids):
    assert findings(facts) == ids


def test_what_follows_from_a_container_is_not_found_again():
    facts = with_app(state="exited", exit_code=1)
    facts.answers["http@loopback"] = answer(status=502, body="Bad Gateway", headers={})
    facts.inner = {"app": "200", "traefik": "502"}
    assert findings(facts) == ["container.ended"]


@pytest.mark.parametrize("target, changes, ids", URLS)
def test_an_address_is_explained(target, changes, ids):
    assert explained(with_(healthy(), **changes), target) == ids


def test_the_address_of_a_container_is_known():
    facts = healthy()
    facts.containers[1] = replace(facts.containers[1], addresses=("172.30.98.64",))
    facts.target = answer("timed_out", "172.30.98.64", 8000)
    assert "the container x-app-1's" in " ".join(step.text for step in url.steps(facts))


def test_a_name_server_that_is_silent_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(asking, "WHOLE_SECONDS", 0.05)
    monkeypatch.setattr(asking.socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    assert asking.ask("http://slow.example.com/").detail == "the name server does not answer"


@pytest.mark.parametrize(("first", "without"), [("2001:db8::9", ("2001:db8::9 (timed out)",)), ("::1", ())])
def test_a_dead_address_of_a_name_is_told_though_the_next_responds(first, without, monkeypatch):
    def once(url, address, port, *_):
        return Answer(url, address, port, "timed_out" if address == first else "http", 200)

    monkeypatch.setattr(asking, "resolve", lambda host: [first, "192.0.2.9"])
    monkeypatch.setattr(asking, "_once", once)
    answer = asking.ask("http://api.test/")
    assert (answer.outcome, answer.address, answer.without) == ("http", "192.0.2.9", without)


@pytest.mark.parametrize("state", ["FAILED", "INCOMPLETE"])
def test_who_is_not_there_in_this_machine_s_own_network_is_known(state, monkeypatch):
    lines = {"10.0.0.9": f"10.0.0.9 dev eth0 {state}\n", "10.0.0.1": "10.0.0.1 dev eth0 REACHABLE\n"}
    monkeypatch.setattr(machine, "_run", lambda *command: lines.get(command[-1], ""))
    addresses = ("10.0.0.9", "10.0.0.1", "8.8.8.8")
    assert [machine.no_neighbour(address) for address in addresses] == [True, False, False]


def test_production_is_asked_by_its_name_at_each_address():
    facts = healthy(domain="api.example.com", acme_email="ops@example.com")
    facts.containers = [
        replace(
            one,
            published=tuple(
                replace(p, port={9999: 80, 9443: 443}.get(p.port, p.port)) for p in one.published
            ),
        )
        for one in facts.containers
    ]
    facts.containers.append(replace(facts.containers[1], service="app-2", name="x-app-2-1"))
    facts.answers = {
        "https@loopback": answer(port=443, **HELLO),
        "https@172.31.3.163": answer("timed_out", "172.31.3.163", 443),
    }
    urls = {name: url for name, url, *_ in gather._questions(facts)}
    assert urls == dict.fromkeys(facts.answers, "https://api.example.com/api/v1/healthz")
    assert findings(facts) == []


def test_the_end_of_a_certificate_is_shown():
    facts = certified(20)
    ends = f"{facts.certificate.ends:%Y-%m-%d}"
    assert ends in " ".join(step.text for step in checks.steps(facts))
    assert ends in report.as_json(checks.steps(facts), facts)


def test_a_503_names_the_container_behind_it():
    facts = with_app(state="exited", exit_code=1)
    assert explained(facts, answer(status=503, body="no available server\n")) == ["container.ended"]


@pytest.mark.parametrize(
    "command, fix",
    [
        ("fastapi dev main.py", "fastapi dev … --host 0.0.0.0"),
        ("uvicorn main:app", "uvicorn … --host 0.0.0.0"),
        ("gunicorn main:app", "gunicorn … --bind 0.0.0.0:8000"),
        ("hypercorn main:app", "hypercorn … --bind 0.0.0.0:8000"),
        ("node server.js", ""),
    ],
)
def test_the_fix_is_in_the_server_s_own_words(command, fix):
    assert unanswered.on_every_address(command, 8000) == fix


@pytest.mark.parametrize(
    "address, name",
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("172.31.3.163", "private (RFC 1918)"),
        ("172.32.0.1", "public"),
        ("10.0.0.1", "private (RFC 1918)"),
        ("192.168.1.1", "private (RFC 1918)"),
        ("100.64.0.1", "carrier-grade NAT (RFC 6598)"),
        ("100.128.0.1", "public"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fd00::2", "unique local (RFC 4193)"),
        ("2a00::1", "public"),
        ("8.8.8.8", "public"),
        ("::ffff:10.0.0.1", "private (RFC 1918)"),
        ("203.0.113.9", "reserved for documentation or tests"),
    ],
)
def test_from_where_an_address_is_reached(address, name):
    assert kind(address)[0] == name


@pytest.mark.parametrize(
    "environ, editor",
    [
        ({"VSCODE_GIT_ASKPASS_NODE": "/home/u/.vscode-server/node"}, "VS Code Remote-SSH"),
        ({"SSH_CONNECTION": "1.2.3.4 5 6 22", "TERM_PROGRAM": "vscode"}, "VS Code Remote-SSH"),
        ({"PATH": "/home/u/.cursor-server/bin:/bin"}, "Cursor Remote-SSH"),
        ({"CODESPACES": "true"}, "Codespaces"),
        ({"REMOTE_CONTAINERS": "true"}, "a dev container"),
        ({"WSL_DISTRO_NAME": "Ubuntu", "PATH": "/home/u/.vscode-server/bin"}, "WSL"),
        ({"VSCODE_IPC_HOOK_CLI": "/run/user/0/vscode-ipc.sock"}, "VS Code Remote-SSH"),
        ({"TERM_PROGRAM": "vscode"}, ""),  # the editor runs on this machine
        ({}, ""),
    ],
)
def test_how_you_are_connected(environ, editor, monkeypatch):
    monkeypatch.setattr(machine, "_above", lambda name: None)
    monkeypatch.setattr(machine, "_kernel_is_wsl", lambda: False)
    assert machine.person(environ).editor == editor


def test_how_the_editor_detects_ports_is_read_from_its_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".vscode-server/data/Machine/settings.json"
    file.parent.mkdir(parents=True)
    environ = {"VSCODE_GIT_ASKPASS_NODE": "/home/u/.vscode-server/node"}
    for text, source in (
        ('{\n  // mine\n  "remote.autoForwardPortsSource": "output",\n}', "output"),
        ('{\n  "remote.autoForwardPorts": false\n}', "off"),
        ("{}", ""),
    ):
        file.write_text(text)
        assert machine.person(environ).source == source


@pytest.mark.parametrize("name, words, cloud", machine.CLOUDS)
def test_clouds_are_known_by_their_firmware(name, words, cloud, tmp_path, monkeypatch):
    monkeypatch.setenv("DMI_DIR", str(tmp_path))
    (tmp_path / name).write_text(f"{words}\n")
    assert machine.cloud()[0] == cloud


def test_iptables():
    rules = machine.iptables("""-P INPUT DROP
-P FORWARD DROP
-N local
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
-A INPUT -j local
-A local -p tcp -m tcp --dport 8000 -j REJECT --reject-with tcp-reset
-A local -s 10.0.0.0/8 -p tcp --dport 9000 -j DROP
-A DOCKER-USER -p tcp -m tcp --dport 9999 -j DROP""")
    stopped = {
        port: [rule for rule in rules if rule.stops(port) and not rule.forwarded]
        for port in (22, 80, 443, 8000, 9000)
    }
    assert [port for port, stops in stopped.items() if stops] == [8000, 9000]
    assert "REJECT" in stopped[8000][0].text and stopped[9000][0].text == "-P INPUT DROP"
    assert [rule.port for rule in rules if rule.forwarded] == [9999]
    assert machine.iptables("-P INPUT ACCEPT\n") == []


def test_nft():
    def rule(*expressions):
        return {"rule": {"family": "inet", "table": "t", "chain": "in", "expr": list(expressions)}}

    def dport(right):
        return {
            "match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": right}
        }

    chain = {"chain": {"family": "inet", "table": "t", "name": "in", "hook": "input", "policy": "drop"}}
    ruleset = {
        "nftables": [
            chain,
            rule(dport({"set": [22, 80]}), {"accept": None}),
            rule(dport(8000), {"drop": None}),
        ]
    }
    rules = machine.nft(ruleset)
    assert [any(one.stops(port) for one in rules) for port in (22, 80, 8000, 9000)] == [
        False,
        False,
        True,
        True,
    ]


def test_what_listens_in_a_container():
    text = """  sl  local_address rem_address   st tx_queue
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000
   1: 0B00007F:9C41 00000000:0000 0A 00000000:00000000
   2: 0200A8C0:1F40 0300A8C0:9C42 01 00000000:00000000
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:2328 00000000000000000000000000000000:0000 0A
"""
    assert [(one.address, one.port) for one in containers.proc_net(text)] == [
        ("127.0.0.1", 8000),
        ("::1", 9000),
    ]


@pytest.mark.parametrize(
    "command, text",
    [
        (["/srv/venv/bin/python", "/srv/venv/bin/fastapi", "dev", "main.py"], "fastapi dev main.py"),
        (["python3", "-m", "http.server"], "python3 -m http.server"),
        (["/usr/bin/python3.13", "-B", "/x/gunicorn", "main:app"], "gunicorn main:app"),
        (["nginx: worker process          "], "nginx: worker process"),
        ([], ""),
    ],
)
def test_a_command_is_shown_as_it_was_typed(command, text):
    assert machine.shown(command) == text


@pytest.mark.parametrize(
    "fields, by",
    [
        (TRAEFIK_404, "Traefik"),
        ({"status": 503, "body": "no available server\n"}, "Traefik"),
        ({"status": 404, "body": "Not Found"}, "the application"),
        ({"status": 404, "headers": JSON}, "the application"),
        ({"status": 200, "headers": {"server": "uvicorn"}}, "the application"),
        # A proxy puts its name on what it passes on, too; its own pages say who made them.
        (
            {"status": 404, "headers": {"server": "nginx"} | JSON, "body": '{"detail":"Not Found"}'},
            "the application",
        ),
        ({"status": 404, "headers": {"server": "nginx"}, "body": "<center>nginx</center>"}, "nginx"),
        ({"status": 404, "headers": {"server": "nginx"}, "body": "<p>Nothing here</p>"}, ""),
        ({"status": 502, "headers": {"server": "Caddy"}}, "Caddy"),
        ({"status": 502, "headers": {"server": "Caddy", "via": "1.1 Caddy"}}, ""),
        ({"status": 503, "body": "No server is available to handle this request."}, "HAProxy"),
        ({"status": 502, "body": "Bad Gateway"}, "Traefik"),
        ({"status": 502, "body": "Bad Gateway", "headers": {"x-powered-by": "Express"}}, ""),
        ({"status": 502, "body": "Bad Gateway", "headers": {"x-request-id": "1"}}, "the application"),
        ({"status": 502, "body": "Bad Gateway", "headers": {"server": "Werkzeug/3.1"}}, "the application"),
        (
            {"status": 404, "headers": {"server": "SimpleHTTP/0.6 Python/3.11.2"}},
            "SimpleHTTP/0.6 Python/3.11.2",
        ),
        ({"status": 200, "body": "hello"}, ""),
    ],
)
def test_whose_answer_it_is(fields, by):
    assert who(answer(**fields)) == by


def test_a_command_is_never_broken_over_two_lines():
    for width in range(30, 60):
        lines = report._wrap("this, or by hand: ssh -L 8000:localhost:8000 THIS-MACHINE and then look", width)
        assert any("ssh -L 8000:localhost:8000 THIS-MACHINE" in line for line in lines)
        assert "\0" not in "".join(lines)


def test_a_finding_has_a_line_its_fix_and_is_counted():
    facts = with_app(state="exited", exit_code=1, last_line="x" * 300)
    text = report.terminal(checks.steps(facts))
    assert "✗ app" in text and "→ check make logs FOLLOW=0" in text
    assert text.endswith("1 error, 0 warnings, 0 notes")


@pytest.mark.parametrize(
    "facts, last, status",
    [
        (healthy(), "no errors, warnings or notes", 0),
        (healthy(bind_address="0.0.0.0"), "0 errors, 1 warning, 0 notes", 0),
        (with_app(listeners=(), health="starting"), "0 errors, 0 warnings, 1 note", 0),
        (no_stack(), "1 error, 0 warnings, 0 notes", 1),
    ],
)
def test_an_error_alone_changes_the_exit_status(facts, last, status, monkeypatch, capsys):
    monkeypatch.setattr(gather, "facts", lambda url: facts)
    assert commands.run("", as_json=False) == status
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_container_of_another_file_in_this_folder_is_not_ours():
    def of(file: str, *env: str) -> bool:
        labels = {
            "com.docker.compose.project.working_dir": str(ROOT),
            "com.docker.compose.project.config_files": str(ROOT / file),
            "com.docker.compose.service": "app",
        }
        return containers.container(
            {
                "Id": "x",
                "Name": "/x",
                "Config": {"Labels": labels, "Env": list(env)},
                "HostConfig": {},
                "State": {"Status": "created"},
                "NetworkSettings": {},
            }
        ).ours

    assert of("docker-compose.yml", "PROXY_ADDRESS=172.30.98.10")
    assert not of("docker-compose.yml", "PATH=/bin")
    assert not of("compose.yaml", "PROXY_ADDRESS=172.30.98.10")


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:99999/", "http://[::1/", "file:///etc/passwd", "ftp://x/"]
)
def test_a_redirect_to_no_address_is_the_answer(monkeypatch, location):
    redirect = Answer("http://127.0.0.1:1/", "127.0.0.1", 1, "http", 302, {"location": location})
    monkeypatch.setattr(asking, "_try_each", lambda *_: redirect)
    answer = asking.ask("http://127.0.0.1:1/", follow=True)
    assert (answer.outcome, answer.status, answer.hops) == ("http", 302, ())


def test_passwords_of_the_settings_are_not_in_the_json():
    facts = healthy(otel_exporter_otlp_endpoint="http://me:hidden@collector:4318")
    assert "***@collector" in report.as_json([], facts)
    assert "hidden" not in report.as_json([], facts)
