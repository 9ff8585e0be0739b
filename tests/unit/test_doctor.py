"""The doctor's checks with made-up facts, and its readings of what machines print."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from doctor import asking, checks, containers, gather, machine, report, unanswered, url
from doctor.addresses import kind
from doctor.facts import Address, Answer, Container, Facts, Listener, Person, Published, Rule
from doctor.step import NOTICE, WRONG
from stack.acme import Certificate
from stack.paths import ROOT
from stack.settings import StackSettings

TRAEFIK_404 = {
    "status": 404,
    "body": "404 page not found\n",
    "headers": {"content-type": "text/plain"},
}
JSON = {"content-type": "application/json"}
HELLO = {"status": 200, "headers": JSON}


def answer(
    outcome="http", address="127.0.0.1", port=9999, at="http://127.0.0.1:9999/api/v1/app", **more
) -> Answer:
    return Answer(at, address, port, outcome, **more)


def healthy(**settings) -> Facts:
    """The stack in Docker, all well, on a machine of EC2 that is reached over plain SSH."""
    made = StackSettings(**settings)
    facts = Facts(
        made,
        runtime="docker",
        engine="28.5.2",
        engine_says="Docker Engine 28.5.2 answers",
        root=True,
    )
    facts.containers = [
        Container("traefik", "x-traefik-1", health="healthy",
                  published=(Published("127.0.0.1", 9999, 9999), Published("127.0.0.1", 9443, 9443))),
        Container("app", "x-app-1", health="healthy", published=(Published("127.0.0.1", 8000, 8000),),
                  listeners=(Listener("0.0.0.0", 8000), Listener("0.0.0.0", 9000))),
    ]  # fmt: skip
    facts.addresses = [
        Address("127.0.0.1", "lo"),
        Address("172.31.3.163", "eth0"),
        Address("172.17.0.1", "docker0", True),
    ]
    facts.rules, facts.firewall = [], "iptables"
    facts.cloud, facts.cloud_evidence = "EC2", "/sys/class/dmi/id/sys_vendor: Amazon EC2"
    facts.person = Person(ssh_from="203.0.113.5")
    facts.inner = {"app": "200", "traefik": "200"}
    facts.answers = {f"{door}@loopback": answer(port=port, **HELLO)
                     for door, port in (("proxy", 9999), ("tls", 9443), ("direct", 8000))}  # fmt: skip
    facts.answers |= {
        f"{door}@172.31.3.163": answer("refused", "172.31.3.163") for door in ("proxy", "direct")
    }
    return facts


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
    assert "plain SSH forwards no port by itself" in text
    assert "172.17.0.1" not in text, "an engine's bridge is nobody's way in"


def with_app(**changes) -> Facts:
    facts = healthy()
    facts.containers[1] = replace(facts.containers[1], **changes)
    return facts


def with_doors(**answers) -> Facts:
    facts = healthy()
    facts.answers |= {f"{door}@loopback": one for door, one in answers.items()}
    return facts


def with_person(**person) -> Facts:
    facts = healthy()
    facts.person = Person(**person)
    return facts


BAD_GATEWAY = answer(status=502, body="Bad Gateway", headers={})


@pytest.mark.parametrize("facts, found", [
    (with_app(listeners=(Listener("127.0.0.1", 8000),)), ["container.loopback"]),
    (with_app(listeners=(Listener("::1", 8000),)), ["container.loopback"]),
    (with_app(listeners=(Listener("0.0.0.0", 80),)), ["container.other_port"]),
    (with_app(listeners=None), []),
    (with_app(listeners=(), health="starting"), ["container.starting"]),
    (with_app(listeners=(Listener("0.0.0.0", 8001),), health="starting"), ["container.other_port"]),
    (with_app(state="exited", exit_code=1, last_line="no module named uvloop"), ["container.ended"]),
    (with_app(state="exited", exit_code=137, status="out of memory"), ["container.ended"]),
    (with_app(state="paused"), ["container.paused"]),
    (with_app(health="unhealthy"), ["container.unhealthy"]),
    (with_app(published=()), ["port.not_published"]),
    (with_app(published=(Published("0.0.0.0", 8000, 8000),)), ["direct.open"]),
    (with_app(published=(Published("127.0.0.1", 8000, 80),)), ["port.wrong_target"]),
    (with_doors(proxy=BAD_GATEWAY), ["door.no_app"]),
    (with_doors(proxy=answer(**TRAEFIK_404)), ["door.no_route"]),
    (with_doors(proxy=answer(status=404, headers=JSON, body='{"detail":"Not Found"}')), []),  # has no /healthz
    (with_doors(tls=answer("certificate", detail="certificate has expired")), ["door.certificate"]),
    (with_doors(direct=answer("refused", port=8000)), ["door.closed"]),
    (with_doors(direct=answer("silent", port=8000)), ["door.silent"]),
    (with_person(editor="VS Code Remote-SSH", evidence="x", forwards=True), ["connection.editor_forwards"]),
    (with_person(editor="Codespaces", evidence="x", forwards=True, source="output"), ["connection.editor_forwards"]),
    (with_person(editor="VS Code Remote-SSH", evidence="x", forwards=True, source="off", ssh_from="1.2.3.4"), []),
    (with_person(editor="WSL", forwards=True), []),
])  # fmt: skip
def test_what_is_wrong_is_found_and_nothing_else(facts, found):
    assert findings(facts) == found


@pytest.mark.parametrize("state, found", [("RUNNING", []), ("STARTING", []), ("BACKOFF", ["process.ended"]),
                                          ("FATAL", ["process.ended"]), ("EXITED", ["process.ended"])])  # fmt: skip
def test_a_process_that_supervisor_has_just_started_is_well(state, found):
    facts = healthy()
    facts.runtime, facts.processes = "native", {"traefik": "RUNNING", "app": state}
    facts.listeners = [
        Listener("127.0.0.1", 9999, 1, "traefik"),
        Listener("127.0.0.1", 8000, 2, "uvicorn"),
    ]
    assert findings(facts) == found


def test_what_follows_from_a_container_is_not_found_again():
    facts = with_app(state="exited", exit_code=1)
    facts.answers["proxy@loopback"] = BAD_GATEWAY
    facts.inner = {"app": "200", "traefik": "502"}
    assert findings(facts) == ["container.ended"]


def test_an_open_address():
    facts = healthy(bind_address="0.0.0.0", probe=False)
    facts.answers["proxy@172.31.3.163"] = answer(address="172.31.3.163", **TRAEFIK_404)
    assert findings(facts) == ["hosts.refused"]
    facts.answers["proxy@172.31.3.163"] = answer(address="172.31.3.163", **HELLO)
    assert findings(facts) == []
    facts.rules = [Rule(9999, "-A DOCKER-USER -p tcp --dport 9999 -j DROP", forwarded=True)]
    assert findings(facts) == ["firewall.drops"]
    facts.rules = [Rule(9999, "-A INPUT -p tcp --dport 9999 -j DROP")]
    assert findings(facts) == [], "what Docker publishes goes past INPUT"
    facts.answers["direct@172.31.3.163"] = answer(address="172.31.3.163", port=8000, **HELLO)
    assert findings(facts) == ["direct.open"]


def test_a_probe_that_everybody_reaches_is_noticed():
    assert findings(healthy(bind_address="0.0.0.0")) == ["probe.open"]


CLOUD = {"address": "172.31.3.163", "port": 8000, "at": "http://172.31.3.163:8000/app"}
FASTAPI = Listener("127.0.0.1", 8000, 42, "fastapi dev my-file.py")


@pytest.mark.parametrize("target, changes, found", [
    (answer("refused", **CLOUD), {"listeners": [FASTAPI], "containers": []}, ["url.bound_to_loopback"]),
    (answer("refused", **CLOUD), {"listeners": [FASTAPI], "containers": [],
     "person": Person("1.2.3.4", "VS Code Remote-SSH", "x", True)},
     ["url.bound_to_loopback", "connection.editor_forwards"]),
    (answer("refused", **CLOUD), {}, ["url.direct_is_local"]),
    (answer("refused", **CLOUD), {"containers": []}, ["url.nothing_listens"]),
    (answer("refused", "172.31.3.163", at="http://172.31.3.163:9999/"), {}, ["url.published_on_loopback"]),
    (answer("refused", **CLOUD), {"containers": [], "listeners": [replace(FASTAPI, address="0.0.0.0")]},
     ["url.refused_though_listening"]),
    (answer("timed_out", **CLOUD), {"rules": None}, ["url.firewall_unseen"]),
    (answer("timed_out", **CLOUD), {"rules": [Rule(None, "-P INPUT DROP", excepted=frozenset({22}))]}, ["url.firewall"]),
    (answer("timed_out", "8.8.8.8", 8000), {}, ["url.dropped_on_the_way"]),
    (answer("timed_out", "10.1.2.3", 8000), {}, ["url.private_elsewhere", "url.dropped_on_the_way"]),
    (answer("unreachable", "8.8.8.8", 8000), {}, ["url.no_route"]),
    (answer("unreachable", "10.1.2.3", 8000), {}, ["url.private_elsewhere", "url.no_route"]),
    (answer("loop", hops=("http://a/", "https://a/")), {}, ["url.redirect_loop"]),
    (answer(status=200, hops=("https://a/items",), at="http://a/items/"), {}, ["url.downgraded"]),
    (answer(status=400, body="Invalid host header", headers={}), {}, ["url.host_refused"]),
    (answer(status=400, body="Client sent an HTTP request to an HTTPS server.\n"), {}, ["url.speaks_tls"]),
    (answer(status=401, headers=JSON), {}, ["url.not_allowed"]),
    (answer(status=405, headers=JSON), {}, ["url.method"]),
    (answer(status=422, headers=JSON), {}, ["url.refused_by_application"]),
    (answer(status=429, body="Too Many Requests"), {}, ["url.too_many"]),
    (answer(status=502, body="Bad Gateway"), {}, ["url.no_application"]),
    (answer(status=503, body="no available server\n"), {}, ["url.no_application"]),
    (answer(status=504, body="Gateway Timeout"), {}, ["url.too_slow"]),
    (answer("not_tls", detail="UNRECOGNIZED_NAME", at="https://a/"), {}, ["url.tls_refused"]),
    (answer("closed", "8.8.8.8", 8000), {}, ["url.not_http"]),
    (answer("reset", "8.8.8.8", 8000), {"speaks_tls": True}, ["url.speaks_tls"]),
    (answer(status=200), {}, []),
])  # fmt: skip
def test_an_address_is_explained(target, changes, found):
    facts = healthy()
    for name, value in changes.items():
        setattr(facts, name, value)
    assert explained(facts, target) == found


def test_the_address_of_a_container_is_known():
    facts = healthy()
    facts.containers[1] = replace(facts.containers[1], addresses=("172.30.98.64",))
    facts.target = answer("timed_out", "172.30.98.64", 8000)
    assert "the container x-app-1's" in " ".join(step.text for step in url.steps(facts))


def test_a_name_server_that_is_silent_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(asking, "WHOLE_SECONDS", 0.05)
    monkeypatch.setattr(asking.socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    assert asking.ask("http://slow.example.com/").detail == "the name server does not answer"


def test_production_is_asked_by_its_name_at_each_address():
    facts = healthy(domain="api.example.com", acme_email="ops@example.com")
    facts.containers = [replace(one, published=tuple(replace(p, port={9999: 80, 9443: 443}.get(p.port, p.port))
                                                     for p in one.published)) for one in facts.containers]  # fmt: skip
    facts.containers.append(replace(facts.containers[1], service="app-2", name="x-app-2-1"))
    facts.answers = {
        "tls@loopback": answer(port=443, **HELLO),
        "tls@172.31.3.163": answer("timed_out", "172.31.3.163", 443),
    }
    asked = {name: url for name, url, *_ in gather._questions(facts)}
    assert asked == dict.fromkeys(facts.answers, "https://api.example.com/api/v1/healthz")
    assert findings(facts) == []


@pytest.mark.parametrize(
    "left, error, found",
    [
        (60, "", []),
        (20, "", ["certificate.not_renewed"]),
        (29.9, "acme: error: 429", ["certificate.not_renewed"]),
    ],
)
def test_a_certificate_that_is_due_and_not_renewed_is_found(left, error, found):
    facts, ends = healthy(), datetime.now(UTC) + timedelta(days=left)
    facts.certificate = Certificate(ends - timedelta(days=90), ends)
    facts.certificate_error = error
    assert findings(facts) == found
    assert f"{ends:%Y-%m-%d}" in " ".join(step.text for step in checks.steps(facts))
    assert f"{ends:%Y-%m-%d}" in report.as_json(checks.steps(facts), facts)


def test_a_503_names_the_container_behind_it():
    facts = with_app(state="exited", exit_code=1)
    assert explained(facts, answer(status=503, body="no available server\n")) == ["container.ended"]


@pytest.mark.parametrize("command, fix", [
    ("fastapi dev main.py", "fastapi dev … --host 0.0.0.0"), ("uvicorn main:app", "uvicorn … --host 0.0.0.0"),
    ("gunicorn main:app", "gunicorn … --bind 0.0.0.0:8000"), ("hypercorn main:app", "hypercorn … --bind 0.0.0.0:8000"),
    ("node server.js", "start it on 0.0.0.0"),
])  # fmt: skip
def test_the_fix_is_in_the_server_s_own_words(command, fix):
    assert unanswered.bind_fix(Listener("127.0.0.1", 8000, 1, command), 8000).startswith(fix)


@pytest.mark.parametrize("address, name", [
    ("127.0.0.1", "loopback"), ("::1", "loopback"), ("172.31.3.163", "private (RFC 1918)"),
    ("172.32.0.1", "public"), ("10.0.0.1", "private (RFC 1918)"), ("192.168.1.1", "private (RFC 1918)"),
    ("100.64.0.1", "carrier-grade NAT (RFC 6598)"), ("100.128.0.1", "public"), ("169.254.1.1", "link-local"),
    ("fe80::1", "link-local"), ("fd00::2", "unique local (RFC 4193)"), ("2a00::1", "public"), ("8.8.8.8", "public"),
    ("::ffff:10.0.0.1", "private (RFC 1918)"), ("203.0.113.9", "reserved for documentation or tests"),
])  # fmt: skip
def test_from_where_an_address_is_reached(address, name):
    assert kind(address)[0] == name


@pytest.mark.parametrize("environ, editor", [
    ({"VSCODE_GIT_ASKPASS_NODE": "/home/u/.vscode-server/node"}, "VS Code Remote-SSH"),
    ({"SSH_CONNECTION": "1.2.3.4 5 6 22", "TERM_PROGRAM": "vscode"}, "VS Code Remote-SSH"),
    ({"PATH": "/home/u/.cursor-server/bin:/bin"}, "Cursor Remote-SSH"),
    ({"CODESPACES": "true"}, "Codespaces"), ({"REMOTE_CONTAINERS": "true"}, "a dev container"),
    ({"WSL_DISTRO_NAME": "Ubuntu", "PATH": "/home/u/.vscode-server/bin"}, "WSL"),
    ({"VSCODE_IPC_HOOK_CLI": "/run/user/0/vscode-ipc.sock"}, "VS Code Remote-SSH"),
    ({"TERM_PROGRAM": "vscode"}, ""),  # the editor runs on this machine
    ({}, ""),
])  # fmt: skip
def test_how_you_are_connected(environ, editor, monkeypatch):
    monkeypatch.setattr(machine, "_above", lambda name: None)
    monkeypatch.setattr(machine, "_kernel_is_wsl", lambda: False)
    assert machine.person(environ).editor == editor


def test_how_the_editor_detects_ports_is_read_from_its_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".vscode-server/data/Machine/settings.json"
    file.parent.mkdir(parents=True)
    environ = {"VSCODE_GIT_ASKPASS_NODE": "/home/u/.vscode-server/node"}
    for text, source in (('{\n  // mine\n  "remote.autoForwardPortsSource": "output",\n}', "output"),
                         ('{\n  "remote.autoForwardPorts": false\n}', "off"), ("{}", "")):  # fmt: skip
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
    assert [port for port, found in stopped.items() if found] == [8000, 9000]
    assert "REJECT" in stopped[8000][0].text and stopped[9000][0].text == "-P INPUT DROP"
    assert [rule.port for rule in rules if rule.forwarded] == [9999]
    assert machine.iptables("-P INPUT ACCEPT\n") == []


def test_nft():
    def rule(*expressions):
        return {"rule": {"family": "inet", "table": "t", "chain": "in", "expr": list(expressions)}}

    def dport(right):
        return {
            "match": {
                "op": "==",
                "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                "right": right,
            }
        }

    chain = {
        "chain": {"family": "inet", "table": "t", "name": "in", "hook": "input", "policy": "drop"}
    }
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


@pytest.mark.parametrize("command, text", [
    (["/srv/venv/bin/python", "/srv/venv/bin/fastapi", "dev", "main.py"], "fastapi dev main.py"),
    (["python3", "-m", "http.server"], "python3 -m http.server"),
    (["/usr/bin/python3.13", "-B", "/x/gunicorn", "main:app"], "gunicorn main:app"),
    (["nginx: master process"], "nginx: master process"), ([], ""),
])  # fmt: skip
def test_a_command_is_shown_as_it_was_typed(command, text):
    assert machine.shown(command) == text


@pytest.mark.parametrize("given, by", [
    (TRAEFIK_404, "Traefik"), ({"status": 503, "body": "no available server\n"}, "Traefik"),
    ({"status": 404, "body": "Not Found"}, "the application"), ({"status": 404, "headers": JSON}, "the application"),
    ({"status": 200, "headers": {"server": "uvicorn"}}, "the application"),
    ({"status": 404, "headers": {"server": "nginx"}}, "nginx"), ({"status": 200, "body": "hello"}, ""),
])  # fmt: skip
def test_whose_answer_it_is(given, by):
    assert asking.who(answer(**given)) == by


def test_a_command_is_never_broken_over_two_lines():
    for width in range(30, 60):
        lines = report._wrap(
            "this, or by hand: ssh -L 8000:localhost:8000 THIS-MACHINE and then look", width
        )
        assert any("ssh -L 8000:localhost:8000 THIS-MACHINE" in line for line in lines)
        assert "\0" not in "".join(lines)


def test_every_finding_has_a_line_for_each_and_a_fix():
    facts = with_app(state="exited", exit_code=1, last_line="x" * 300)
    text = report.terminal(checks.steps(facts))
    assert (
        "✗ app" in text and "→ make logs FOLLOW=0" in text and text.endswith("1 wrong, 0 to know")
    )
    assert all(step.fix for step in checks.steps(facts) if step.mark in (WRONG, NOTICE))


def test_ipv6_that_docker_does_not_publish_is_named():
    facts = healthy(bind_address="0.0.0.0")
    facts.addresses.append(Address("2001:db8::7", "eth0"))
    facts.containers[0] = replace(
        facts.containers[0], published=(Published("0.0.0.0", 9999, 9999),)
    )
    target = answer("refused", "2001:db8::7", at="http://[2001:db8::7]:9999/api/v1/app")
    assert explained(facts, target) == ["url.ipv6_is_not_published"]


def test_a_container_of_another_file_in_this_folder_is_not_ours():
    def of(file: str, *env: str) -> bool:
        labels = {"com.docker.compose.project.working_dir": str(ROOT),
                  "com.docker.compose.project.config_files": str(ROOT / file),
                  "com.docker.compose.service": "app"}  # fmt: skip
        return containers.container({
            "Id": "x", "Name": "/x", "Config": {"Labels": labels, "Env": list(env)}, "HostConfig": {},
            "State": {"Status": "created"}, "NetworkSettings": {},
        }).ours  # fmt: skip

    assert of("docker-compose.yml", "PROXY_ADDRESS=172.30.98.10")
    assert not of("docker-compose.yml", "PATH=/bin")
    assert not of("compose.yaml", "PROXY_ADDRESS=172.30.98.10")
