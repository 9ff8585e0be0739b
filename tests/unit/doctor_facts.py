"""Made-up facts, and the findings that doctor must have for each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from behindproxy.doctor.access_log import Request
from behindproxy.doctor.facts import Address, Answer, Container, Facts, Listener, Person, Published, Rule
from behindproxy.stack.acme import Certificate
from behindproxy.stack.settings import StackSettings

TRAEFIK_404 = {
    "status": 404,
    "body": "404 page not found\n",
    "headers": {"content-type": "text/plain; charset=utf-8"},
}
JSON = {"content-type": "application/json"}
HELLO = {"status": 200, "headers": JSON}
NOT_FOUND = {"status": 404, "headers": JSON, "body": '{"detail":"Not Found"}'}


def answer(
    outcome="http", address="127.0.0.1", port=9999, at="http://127.0.0.1:9999/api/v1/app", **more
) -> Answer:
    return Answer(at, address, port, outcome, **more)


def healthy(**settings) -> Facts:
    """The stack in Docker, all well, on a machine of EC2 that is reached over plain SSH."""
    settings_ = StackSettings(**settings)
    facts = Facts(
        settings_, runtime="docker", engine="28.5.2", engine_says="Docker Engine 28.5.2 answers", root=True
    )
    facts.containers = [
        Container(
            "traefik",
            "x-traefik-1",
            health="healthy",
            published=(Published("127.0.0.1", 9999, 9999), Published("127.0.0.1", 9443, 9443)),
        ),
        Container(
            "app",
            "x-app-1",
            health="healthy",
            published=(Published("127.0.0.1", 8000, 8000),),
            listeners=(Listener("0.0.0.0", 8000), Listener("0.0.0.0", 9000)),
        ),
    ]
    facts.addresses = [
        Address("127.0.0.1", "lo"),
        Address("172.31.3.163", "eth0"),
        Address("172.17.0.1", "docker0", True),
    ]
    facts.rules, facts.firewall = [], "iptables"
    facts.cloud, facts.cloud_evidence = "EC2", "/sys/class/dmi/id/sys_vendor: Amazon EC2"
    facts.person = Person(ssh_from="203.0.113.5")
    facts.inner = {"app": "200", "traefik": "200"}
    facts.answers = {
        f"{entrypoint}@loopback": answer(port=port, **HELLO)
        for entrypoint, port in (("http", 9999), ("https", 9443), ("direct", 8000))
    }
    facts.answers |= {
        f"{entrypoint}@172.31.3.163": answer("refused", "172.31.3.163") for entrypoint in ("http", "direct")
    }
    return facts


def with_(facts: Facts, **changes) -> Facts:
    for name, value in changes.items():
        setattr(facts, name, value)
    return facts


def changed(**changes) -> Facts:
    return with_(healthy(), **changes)


def with_app(**changes) -> Facts:
    facts = healthy()
    facts.containers[1] = replace(facts.containers[1], **changes)
    return facts


def with_answers(**answers) -> Facts:
    facts = healthy()
    facts.answers |= {f"{entrypoint}@loopback": one for entrypoint, one in answers.items()}
    return facts


def with_person(**person) -> Facts:
    return changed(person=Person(**person))


def opened(at: dict | None = None, **changes) -> Facts:
    """BIND_ADDRESS=0.0.0.0, and what the proxied entrypoint answers at the machine's address."""
    facts = with_(healthy(bind_address="0.0.0.0", probe=False), **changes)
    facts.answers["http@172.31.3.163"] = answer(address="172.31.3.163", **(at or HELLO))
    return facts


def native(app: str = "RUNNING", **changes) -> Facts:
    """The stack without Docker; `app`: supervisor's word for the application."""
    facts = changed(runtime="native", engine="", containers=[])
    facts.processes = {"traefik": "RUNNING", "app": app}
    facts.listeners = [
        Listener("127.0.0.1", 9999, 1, "traefik"),
        Listener("127.0.0.1", 8000, 2, "uvicorn app.main:app"),
    ]
    return with_(facts, **changes)


def no_stack(**changes) -> Facts:
    return changed(runtime="", containers=[], answers={}, inner={}, **changes)


def certified(days_left: float, error: str = "") -> Facts:
    ends = datetime.now(UTC) + timedelta(days=days_left)
    return changed(certificate=Certificate(ends - timedelta(days=90), ends), certificate_error=error)


def request(status: int, seconds: float, **changes) -> Request:
    result = Request(datetime.now(UTC), "GET", "/api/v1/app", status, seconds, seconds, 0, True, False)
    return replace(result, **changes)


BAD_GATEWAY = answer(status=502, body="Bad Gateway", headers={})
DROP = Rule(9999, "-A INPUT -p tcp --dport 9999 -j DROP")
TRAEFIK = Listener("127.0.0.1", 9999, 1, "traefik")
STOPPED = Listener("127.0.0.1", 8000, 2, "uvicorn app.main:app", "stopped")

# Facts of the stack, and every finding in its order.
STACK = [
    (healthy(), []),
    (changed(engine="", engine_says="no engine answers"), ["engine.silent"]),
    (changed(engine="", engine_says="you may not use it"), ["engine.silent"]),
    (no_stack(), ["stack.not_running"]),
    (no_stack(listeners=[Listener("127.0.0.1", 9999, 7, "caddy run")]), ["port.taken", "stack.not_running"]),
    (native(), []),
    (native(processes={}), ["native.gone"]),
    (native("STARTING"), []),
    (native("BACKOFF"), ["process.ended"]),
    (native("FATAL"), ["process.ended"]),
    (native("EXITED"), ["process.ended"]),
    (native(listeners=[Listener("127.0.0.1", 9999, 1, "traefik"), STOPPED]), ["process.stopped"]),
    (native(listeners=[TRAEFIK]), ["process.not_listening"]),
    (native(listeners=[TRAEFIK], up_seconds={"app": 50.0}), ["process.starting"]),
    (native(listeners=[TRAEFIK], up_seconds={"app": 70.0}), ["process.not_listening"]),
    (changed(containers=[]), ["container.missing"]),
    (changed(containers=healthy().containers[:1]), ["container.missing"]),
    (with_app(state="created"), ["container.ended"]),
    (with_app(listeners=(Listener("127.0.0.1", 8000),)), ["container.loopback"]),
    (with_app(listeners=(Listener("::1", 8000),)), ["container.loopback"]),
    (with_app(listeners=(Listener("0.0.0.0", 80),)), ["container.other_port"]),
    (with_app(listeners=()), ["container.other_port"]),
    (with_app(listeners=None), []),
    (with_app(listeners=(), health="starting"), ["container.starting"]),
    # What it listens on before its own port may be a port for metrics, or for a debugger.
    (with_app(listeners=(Listener("0.0.0.0", 8001),), health="starting"), ["container.starting"]),
    (with_app(listeners=(), health="", up_seconds=5), ["container.starting"]),
    (with_app(listeners=(Listener("0.0.0.0", 8001),), up_seconds=5), ["container.other_port"]),
    (with_app(state="exited", exit_code=1, last_line="no module named uvloop"), ["container.ended"]),
    (with_app(state="exited", exit_code=137, status="out of memory"), ["container.ended"]),
    (with_app(state="paused"), ["container.paused"]),
    (with_app(health="unhealthy"), ["container.unhealthy"]),
    (healthy(bind_address="172.31.3.163", probe=False), []),
    (healthy(bind_address="172.31.3.9", probe=False), ["port.no_address"]),
    (with_app(published=()), ["port.not_published"]),
    (with_app(published=(Published("0.0.0.0", 8000, 8000),)), ["direct.open"]),
    (with_app(published=(Published("127.0.0.1", 8000, 80),)), ["port.wrong_target"]),
    (changed(routes_error="line 3"), ["routes.not_taken"]),
    (changed(not_applied=["API_PREFIX", "DOCS"]), ["settings.not_applied"]),
    (changed(settings_error="API_PREFIX=shop: must start with a slash"), ["settings.refused"]),
    (changed(inner={"app": "Connection refused", "traefik": "502"}), ["network.refused", "network.refused"]),
    (with_answers(http=BAD_GATEWAY), ["entrypoint.no_app"]),
    (with_answers(http=answer(**TRAEFIK_404)), ["entrypoint.no_route"]),
    (with_answers(http=answer(**NOT_FOUND)), []),  # an application without /healthz
    (with_answers(https=answer("certificate", detail="certificate has expired")), ["entrypoint.certificate"]),
    (with_answers(direct=answer("refused", port=8000)), ["entrypoint.closed"]),
    (with_answers(direct=answer("silent", port=8000)), ["entrypoint.silent"]),
    # The application's own, which a proxy's of the same status is not.
    (with_answers(http=answer(status=503, headers=JSON, body="{}")), ["entrypoint.fails"]),
    (with_answers(direct=answer(status=500, port=8000, body="Bad Gateway")), ["entrypoint.fails"]),
    (changed(requests=[request(504, 30.01, wait_seconds=30.0)]), ["requests.answer_limit"]),
    (changed(requests=[request(504, 5.01, wait_seconds=5.0)]), ["requests.answer_limit"]),
    (changed(requests=[request(504, 60.3, wait_seconds=60.2, method="PUT")]), ["requests.request_limit"]),
    (changed(requests=[request(502, 12.0)]), ["requests.server_ended"]),
    (changed(requests=[request(502, 8.0, wait_seconds=0.0, retries=19)]), ["requests.no_connection"]),
    (changed(requests=[request(504, 29.0, wait_seconds=1.0, retries=19)]), ["requests.no_connection"]),
    (changed(requests=[request(502, 12.0, by_application=True)]), []),
    (
        changed(requests=[request(400, 0.0, path="/api/v1/units/a%2fb", passed_on=False)]),
        ["requests.encoded"],
    ),
    (changed(requests=[request(400, 0.0, path="/api/v1/units/a%2fb", by_application=True)]), []),
    (changed(only_404=[request(404, 0.0, passed_on=False)] * 3), ["requests.only_404"]),
    (changed(only_404=[request(404, 0.0, by_application=True)] * 3), ["requests.only_404"]),
    (with_(with_answers(http=answer("timed_out")), rules=[DROP]), ["firewall.drops"]),
    (opened(TRAEFIK_404), ["hosts.refused"]),
    (opened(), []),
    (opened(rules=[replace(DROP, forwarded=True)]), ["firewall.drops"]),
    (opened(rules=[DROP]), []),  # what Docker publishes goes past INPUT
    (
        changed(answers={"direct@172.31.3.163": answer(address="172.31.3.163", port=8000, **HELLO)}),
        ["direct.open"],
    ),
    (healthy(bind_address="0.0.0.0"), ["probe.open"]),
    (certified(60), []),
    (certified(20), ["certificate.not_renewed"]),
    (certified(29.9, "acme: error: 429"), ["certificate.not_renewed"]),
    (with_person(editor="VS Code Remote-SSH", evidence="x", forwards=True), ["connection.editor_forwards"]),
    (
        with_person(editor="Codespaces", evidence="x", forwards=True, source="output"),
        ["connection.editor_forwards"],
    ),
    (
        with_person(
            editor="VS Code Remote-SSH", evidence="x", forwards=True, source="off", ssh_from="1.2.3.4"
        ),
        [],
    ),
    (with_person(editor="WSL", forwards=True), []),
]

CLOUD = {"address": "172.31.3.163", "port": 8000, "at": "http://172.31.3.163:8000/app"}
HERE = {"port": 8000, "at": "http://127.0.0.1:8000/app"}
FASTAPI = Listener("127.0.0.1", 8000, 42, "fastapi dev my-file.py", program="python3.13")
NODE = Listener("127.0.0.1", 8000, 42, "node server.js", program="node")
NGINX = Listener("0.0.0.0", 8000, 42, "nginx: master process nginx", program="nginx")
EVERYWHERE = replace(FASTAPI, address="0.0.0.0")
SSH = Listener("127.0.0.1", 8000, 42, "ssh -N -L 8000:localhost:9 host", program="ssh")
THEIRS = Container(
    "web",
    "web-1",
    published=(Published("127.0.0.1", 8000, 80),),
    ours=False,
    listeners=(Listener("0.0.0.0", 80),),
)
ENDED = {"state": "exited", "exit_code": 3, "last_line": "no such module"}


def theirs(**changes) -> dict:
    """A container that is no part of the stack has port 8000."""
    return {"containers": [replace(THEIRS, **changes)]}


def alone(*listeners: Listener, **changes) -> dict:
    """Processes of this machine, and no container."""
    return {"containers": [], "listeners": list(listeners), **changes}


ANOTHER = {"another path": answer(**NOT_FOUND, at="http://127.0.0.1:8000/healthz")}
ELSEWHERE = {"port": 8123, "at": "http://app.example.com:8123/units/a"}
ENCODED = {"status": 400, "at": "http://127.0.0.1:9999/api/v1/units/a%2Fb"}
UNREADY = {"status": 503, "body": "no available server\n"}


def page(status: int, body: str, **headers: str) -> dict:
    """A proxy's own page for an address that is no part of the stack."""
    return {**ELSEWHERE, "status": status, "body": body, "headers": headers}


# What came of a URL, what differs from the healthy stack, and every finding in its order.
URLS = [
    (answer(status=200), {}, []),
    # ---- refused ----
    (answer("refused", **CLOUD), alone(FASTAPI), ["url.bound_to_loopback"]),
    (answer("refused", **CLOUD), alone(NODE), ["url.bound_to_loopback"]),
    (
        answer("refused", **CLOUD),
        alone(FASTAPI, person=Person("1.2.3.4", "VS Code Remote-SSH", "x", True)),
        ["url.bound_to_loopback", "connection.editor_forwards"],
    ),
    (
        answer("refused", "172.31.3.163", at="http://172.31.3.163:9999/"),
        alone(Listener("127.0.0.1", 9999, 1, "traefik"), runtime="native"),
        ["url.bound_to_loopback"],
    ),
    (
        answer("refused", "172.31.3.163", at="http://172.31.3.163:9999/"),
        alone(Listener("172.17.0.1", 9999, 1, "traefik"), runtime="native"),
        ["url.bound_to_another_address"],
    ),
    (
        answer("refused", **HERE),
        alone(replace(FASTAPI, address="172.31.3.163")),
        ["url.bound_to_another_address"],
    ),
    (
        answer("refused", **HERE),
        alone(replace(NODE, address="172.31.3.163")),
        ["url.bound_to_another_address"],
    ),
    (answer("refused", **HERE), alone(replace(FASTAPI, address="::1")), ["url.other_family"]),
    (answer("refused", **CLOUD), alone(FASTAPI, runtime="native"), ["url.direct_is_local"]),
    (answer("refused", **CLOUD), {}, ["url.direct_is_local"]),
    (answer("refused", **CLOUD), alone(), ["url.nothing_listens"]),
    (answer("refused", **CLOUD), alone(runtime=""), ["url.nothing_listens"]),
    (
        answer("refused", port=8123),
        alone(replace(FASTAPI, command="python -m http.server"), runtime=""),
        ["url.nothing_listens"],
    ),
    (answer("refused", port=8123), alone(runtime=""), ["url.nothing_listens"]),
    (answer("refused", "172.31.3.164", 8000), {}, ["url.nothing_listens_there"]),
    (answer("refused", **CLOUD), alone(EVERYWHERE), ["url.refused_though_listening"]),
    (answer("refused", **CLOUD), {"rules": [Rule(8000, "-p tcp --dport 8000 -j REJECT")]}, ["url.firewall"]),
    # ---- on a published port ----
    (answer("refused", "172.31.3.163", at="http://172.31.3.163:9999/"), {}, ["url.published_on_loopback"]),
    (answer("refused", **CLOUD), theirs(), ["url.published_on_loopback"]),
    (
        answer("refused", "2001:db8::7", at="http://[2001:db8::7]:9999/api/v1/app"),
        {
            "addresses": [Address("2001:db8::7", "eth0")],
            "containers": [replace(healthy().containers[0], published=(Published("0.0.0.0", 9999, 9999),))],
        },
        ["url.ipv6_is_not_published"],
    ),
    (answer("refused", **HERE), theirs(**ENDED), ["url.container_ended"]),
    (answer("refused", **HERE), theirs(**ENDED, ours=True), ["url.container_ended"]),
    (answer("closed", **HERE), theirs(state="paused"), ["url.container_paused"]),
    (answer("closed", **HERE), theirs(listeners=(Listener("127.0.0.1", 80),)), ["url.container_loopback"]),
    (answer("closed", **HERE), theirs(listeners=(Listener("0.0.0.0", 81),)), ["url.container_other_port"]),
    (answer("closed", **HERE), theirs(listeners=()), ["url.container_other_port"]),
    (answer("closed", **HERE), theirs(listeners=(), up_seconds=3.0), ["url.container_starting"]),
    (answer("closed", **HERE), theirs(listeners=(), up_seconds=30.0), ["url.container_other_port"]),
    (
        answer("closed", **HERE),
        theirs(listeners=(Listener("0.0.0.0", 81),), up_seconds=3.0),
        ["url.container_other_port"],
    ),
    (answer("closed", **HERE), theirs(listeners=(), health="starting"), ["url.container_starting"]),
    (answer("closed", **HERE), theirs(), ["url.container_silent"]),
    # ---- timed out, unreachable, unknown ----
    (answer("timed_out", **CLOUD), {"rules": None}, ["url.firewall_unseen"]),
    (
        answer("timed_out", **CLOUD),
        {"rules": [Rule(None, "-P INPUT DROP", excepted=frozenset({22}))]},
        ["url.firewall"],
    ),
    (answer("timed_out", **CLOUD), alone(EVERYWHERE), ["url.queue_full"]),
    (answer("timed_out", **CLOUD), alone(replace(EVERYWHERE, state="stopped")), ["url.stopped"]),
    (answer("timed_out", "8.8.8.8", 8000), {}, ["url.dropped_on_the_way"]),
    (answer("timed_out", "10.1.2.3", 8000), {}, ["url.private_elsewhere", "url.dropped_on_the_way"]),
    (answer("timed_out", "10.1.2.3", 8000), {"no_neighbour": True}, ["url.no_neighbour"]),
    (answer("unreachable", "10.1.2.3", 8000), {"no_neighbour": True}, ["url.no_neighbour"]),
    (
        answer("timed_out", "fd00::9", 8000),
        {"addresses": [Address("fd00::3", "eth0")]},
        ["url.dropped_on_the_way"],
    ),
    (answer("unreachable", "8.8.8.8", 8000, detail="No route to host"), {}, ["url.rejected_on_the_way"]),
    (answer(address="8.8.8.8", **HELLO, without=("2001:db8::9 (timed out)",)), {}, ["url.dead_address"]),
    (answer("unreachable", "8.8.8.8", 8000), {}, ["url.no_route"]),
    (answer("unreachable", "10.1.2.3", 8000), {}, ["url.private_elsewhere", "url.no_route"]),
    (answer("no_name", "", at="http://server.invalid/", detail="unknown"), {}, ["url.no_name"]),
    # ---- connected, and no response ----
    (answer("reset", "8.8.8.8", 8000), {"speaks_tls": True}, ["url.speaks_tls"]),
    (answer("silent", **HERE), alone(EVERYWHERE), ["url.busy"]),
    (answer("silent", **HERE), alone(NODE), ["url.busy"]),
    (answer("silent", **HERE), alone(NGINX), ["url.busy"]),
    (answer("silent", **HERE), alone(NGINX, connecting=("127.0.0.1:8001",)), ["url.gateway"]),
    (answer("silent", "8.8.8.8", 8000), {}, ["url.busy"]),
    # Traefik waits for a part of this stack that is known to be at fault.
    (
        answer("silent"),
        {"containers": [healthy().containers[0], replace(healthy().containers[1], state="paused")]},
        ["container.paused"],
    ),
    # Another path of the same port has a response.
    (answer("silent", **HERE), alone(EVERYWHERE, elsewhere=ANOTHER), ["url.slow"]),
    (answer("silent", "8.8.8.8", 8000), {"elsewhere": ANOTHER}, ["url.slow"]),
    (
        answer("silent", **HERE),
        alone(EVERYWHERE, elsewhere=ANOTHER | {"another path, then": answer("silent", **HERE)}),
        ["url.busy"],
    ),
    (answer("closed", **HERE), alone(EVERYWHERE, elsewhere=ANOTHER), ["url.server_ended"]),
    (answer("silent", **HERE), alone(replace(EVERYWHERE, state="stopped")), ["url.stopped"]),
    (answer("closed", **HERE), alone(SSH), ["url.forward_closed"]),
    (answer("not_http", **HERE), alone(NODE), ["url.not_http"]),
    (answer("closed", "8.8.8.8", 8000), {}, ["url.not_http"]),
    (answer("not_tls", at="https://a/"), {"elsewhere": {"plain": answer(**HELLO)}}, ["url.plain_http"]),
    (
        answer("not_tls", at="https://a/", hops=("http://a/",)),
        {"elsewhere": {"plain": answer(status=307)}},
        ["url.plain_http"],
    ),
    (answer("not_tls", detail="UNRECOGNIZED_NAME", at="https://a/"), {}, ["url.tls_refused"]),
    (answer("certificate", detail="certificate has expired"), {}, ["url.certificate_expired"]),
    (answer("certificate", detail="Hostname mismatch, …"), {}, ["url.certificate_name"]),
    (answer("certificate", "8.8.8.8", detail="certificate has expired"), {}, ["url.certificate_expired"]),
    (answer("certificate", "8.8.8.8", detail="Hostname mismatch, …"), {}, ["url.certificate_name"]),
    (answer("certificate", detail="unable to get local issuer certificate"), {}, ["url.certificate_unknown"]),
    # ---- answers ----
    (answer("loop", hops=("http://a/", "https://a/")), {}, ["url.redirect_loop"]),
    (answer("loop", hops=("http://a/", "http://a/b")), {}, ["url.redirect_loop"]),
    (answer("loop", at="https://a/", hops=("https://a/",)), {}, ["url.redirect_loop"]),
    (answer(status=200, hops=("https://a/items",), at="http://a/items/"), {}, ["url.downgraded"]),
    (
        answer("closed", hops=("https://a/items",), at="http://a/items/"),
        {"speaks_tls": True},
        ["url.downgraded"],
    ),
    (
        answer(
            status=400,
            body="The plain HTTP request was sent to HTTPS port",
            hops=("https://a/items",),
            at="http://a/items/",
        ),
        {},
        ["url.downgraded"],
    ),
    (answer(status=400, body="Client sent an HTTP request to an HTTPS server.\n"), {}, ["url.speaks_tls"]),
    (answer(status=400, headers=JSON, body='{"detail":"HTTPS"}'), {}, ["url.refused_by_application"]),
    # ---- a list of hosts ----
    (answer(status=400, body="Invalid host header", headers={}), {}, ["url.host_refused"]),
    (answer(status=421, body="Invalid Host header", headers={}), {}, ["url.host_refused"]),
    (answer(status=421, body="Misdirected Request"), {}, ["url.refused_by_application"]),
    (answer(status=403, body="Invalid Host header - possible DNS rebinding"), {}, ["url.host_refused"]),
    (
        answer(**ELSEWHERE, status=400, body="Bad Request"),
        {"elsewhere": {"localhost": answer(**HELLO)}},
        ["url.host_refused"],
    ),
    # ---- encoded characters ----
    (answer(**ENCODED), {}, ["url.encoded"]),
    (answer(**ENCODED, headers={"x-request-id": "1"}), {}, ["url.refused_by_application"]),
    (answer(**ENCODED | ELSEWHERE), {}, ["url.refused_by_application"]),
    (
        answer(**ELSEWHERE | {"status": 400, "at": "http://app.example.com:8123/a%5Cb"}),
        {"elsewhere": {"not encoded": answer(**NOT_FOUND)}},
        ["url.encoded"],
    ),
    (answer(status=400, at="http://127.0.0.1:9999/api/v1/../x"), {}, ["url.bad_request"]),
    # ---- credentials and paths ----
    (answer(status=401, headers=JSON), {}, ["url.not_allowed"]),
    (answer(status=403, headers=JSON), {}, ["url.not_allowed"]),
    (answer(**NOT_FOUND), {"elsewhere": {"without prefix": answer(**HELLO)}}, ["url.prefix"]),
    (answer(**TRAEFIK_404), {"elsewhere": {"with prefix": answer(**HELLO)}}, ["url.prefix"]),
    (answer(**NOT_FOUND | ELSEWHERE), {"elsewhere": {"with prefix": answer(**HELLO)}}, ["url.prefix"]),
    (answer(**TRAEFIK_404, at="http://127.0.0.1:9999/"), {}, ["url.prefix"]),
    (
        answer(**TRAEFIK_404, at="http://a:9999/api/v1/app"),
        {"elsewhere": {"localhost": answer(**HELLO)}},
        ["url.host"],
    ),
    (answer(**TRAEFIK_404 | ELSEWHERE), {"elsewhere": {"localhost": answer(**HELLO)}}, ["url.host"]),
    (answer(**TRAEFIK_404 | ELSEWHERE), {"elsewhere": {"localhost": answer(**NOT_FOUND)}}, ["url.host"]),
    (
        answer(**TRAEFIK_404 | ELSEWHERE),
        {"elsewhere": {"localhost": answer(**TRAEFIK_404)}},
        ["url.no_route"],
    ),
    (answer(**TRAEFIK_404), {}, ["url.no_route"]),
    (answer(**TRAEFIK_404 | ELSEWHERE), {}, ["url.no_route"]),
    (answer(**NOT_FOUND), {}, ["url.no_such_path"]),
    (answer(**NOT_FOUND | ELSEWHERE), {}, ["url.no_such_path"]),
    (answer(**TRAEFIK_404, port=9443, at="http://127.0.0.1:9443/api/v1/app"), {}, ["url.speaks_tls"]),
    (answer(**TRAEFIK_404 | ELSEWHERE), {"elsewhere": {"https": answer(**HELLO)}}, ["url.speaks_tls"]),
    (answer(**page(404, "<center>nginx/1.22.1</center>", server="nginx/1.22.1")), {}, ["url.no_such_path"]),
    (answer(status=405, headers=JSON), {}, ["url.method"]),
    (answer(status=422, headers=JSON), {}, ["url.refused_by_application"]),
    (answer(status=429, body="Too Many Requests"), {}, ["url.too_many"]),
    (answer(**ELSEWHERE, status=429), {}, ["url.too_many"]),
    (answer(status=500), {}, ["url.application_failed"]),
    (answer(**ELSEWHERE, status=500), {}, ["url.application_failed"]),
    # ---- 502, 503, 504 of this stack ----
    (answer(status=502, body="Bad Gateway"), {}, ["url.no_application"]),
    (answer(status=502, headers=JSON, body='{"detail":"billing"}'), {}, ["url.application_failed"]),
    (answer(status=504, headers={"x-request-id": "1"}), {}, ["url.application_failed"]),
    (answer(status=503, port=8000), {}, ["url.application_failed"]),
    (answer(**UNREADY), {}, ["url.no_application"]),
    (
        answer(**UNREADY),
        {"containers": [replace(healthy().containers[0], state="paused")]},
        ["container.paused", "container.missing"],
    ),
    (
        answer(**UNREADY),
        {"containers": with_app(listeners=(), health="starting").containers},
        ["container.starting"],
    ),
    (answer(status=504, body="Gateway Timeout"), {}, ["url.no_application"]),
    (answer(status=504, body="Gateway Timeout"), {"requests": [request(504, 30.0)]}, ["url.answer_limit"]),
    (answer(status=504, body="Gateway Timeout"), {"requests": [request(504, 5.0)]}, ["url.answer_limit"]),
    (answer(status=502, body="Bad Gateway"), {"requests": [request(502, 9.0)]}, ["url.server_ended"]),
    (answer(status=502, body="Bad Gateway"), {"requests": [request(504, 30.0)]}, ["url.no_application"]),
    # ---- and of other proxies ----
    (answer(**page(502, "<center>nginx</center>", server="nginx")), {}, ["url.gateway"]),
    (answer(**page(504, "<h1>504</h1>The server didn't respond in time.")), {}, ["url.gateway"]),
    (answer(**page(502, "", server="Caddy")), {}, ["url.gateway"]),
    (answer(**page(500, "Internal Server Error")), {}, ["url.gateway"]),
    (answer(**page(502, "", server="Caddy", via="1.1 Caddy")), {}, ["url.gateway"]),
    (answer(**page(504, "it failed", server="uvicorn")), {}, ["url.application_failed"]),
    # The process that listens is known, and is no proxy.
    (answer(**HERE, status=502, body="Bad Gateway"), alone(FASTAPI, runtime=""), ["url.application_failed"]),
    (answer(**HERE, status=502, body="Bad Gateway"), alone(NGINX, runtime=""), ["url.gateway"]),
    (answer(**HERE, status=502, body="Bad Gateway"), alone(SSH, runtime=""), ["url.gateway"]),
]
