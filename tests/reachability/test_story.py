"""The man who could reach his server at localhost, and not at its own address.

FastAPI's development server on a machine in the cloud, a laptop, and SSH between them. He
suspected the cloud, SSH, FastAPI and Uvicorn; each suspicion is an experiment here.
"""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from tests.checkout import ROOT, must, wait_for
from tests.experiments.statement import statement
from tests.hosts import PYTHON, free_port

from .conftest import CLOUD

quotation = partial(statement, page="A Haunted Story")
URL = f"http://{CLOUD}:8000/app"
HELLO = '{"message":"Hello World"}'
# What VS Code's Remote-SSH leaves in a terminal of its own.
REMOTE_SSH = {
    "TERM_PROGRAM": "vscode",
    "VSCODE_IPC_HOOK_CLI": "/run/user/1000/vscode-ipc-1.sock",
    "VSCODE_GIT_ASKPASS_NODE": "/home/ubuntu/.vscode-server/cli/servers/Stable-1/server/node",
}


@pytest.fixture(scope="module")
def ssh(hosts, folder):
    """`ssh …` of the laptop, as a list; at the other end a real sshd on the cloud machine."""
    _, cloud = hosts
    for name in ("host", "user"):
        must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    (folder / "sshd_config").write_text(f"""Port 22
ListenAddress {CLOUD}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
AcceptEnv TERM_PROGRAM VSCODE_* PYTHONPATH PYTHONUNBUFFERED DOCKER_HOST
""")
    makes_folder = not Path("/run/sshd").exists()
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd locks its child in; it insists on this one
    sshd = must("which", "sshd")
    daemon = cloud.start(sshd, "-D", "-e", "-f", str(folder / "sshd_config"), port=22, at=CLOUD)
    send = " ".join(["TERM_PROGRAM", "VSCODE_*", "PYTHONPATH", "PYTHONUNBUFFERED", "DOCKER_HOST"])
    yield [
        "ssh",
        "-F",
        "none",
        "-i",
        str(folder / "user"),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        f"UserKnownHostsFile={folder}/known",
        "-o",
        "BatchMode=yes",
        "-o",
        "LogLevel=ERROR",
        "-o",
        f"SendEnv={send}",
        "-o",
        "ExitOnForwardFailure=yes",
    ]
    cloud.end(daemon)
    if makes_folder:
        os.rmdir("/run/sshd")


TO = f"root@{CLOUD}"


def dev_server(cloud, *options: str, port: int = 8000):
    return cloud.start("fastapi", "dev", "tests/reachability/demo.py", "--no-reload", *options, port=port)


def doctor_over_ssh(laptop, ssh, url: str = "", **environ: str) -> dict:
    command = f"cd {ROOT} && {PYTHON} -m behindproxy doctor --json {url}"
    result = laptop.run(*ssh, TO, command, **environ)
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


@quotation(
    "The Answer", "Two causes overlapped: the editor forwarded the port, and --host 0.0.0.0 was missing."
)
def test_both_causes_in_the_story_are_found(laptop, cloud, ssh):
    dev_server(cloud)
    # At its own address: nothing. (A security group that drops would have made it a time-out.)
    assert "refused" in laptop.get(URL) or "connect" in laptop.get(URL)
    # Through SSH's port forwarding: a response, at the laptop's own localhost.
    forward = laptop.start(*ssh, "-N", "-L", "8000:localhost:8000", TO, port=8000)
    assert laptop.get("http://localhost:8000/app") == HELLO
    # The doctor, in a terminal of Remote-SSH: both causes, the first one first.
    report = doctor_over_ssh(laptop, ssh, URL, **REMOTE_SSH)
    assert [one["id"] for one in report["findings"]] == [
        "url.bound_to_loopback",
        "connection.editor_forwards",
    ]
    first, forwards = report["findings"]
    assert "fastapi dev" in first["text"] and "127.0.0.1:8000" in first["text"]
    assert "--host 0.0.0.0" in first["fix"]
    assert "forwards ports" in forwards["text"] and "Ports panel" in forwards["fix"]
    assert "ssh -L 8000:localhost:8000" in forwards["fix"]
    assert any("private (RFC 1918)" in step["text"] for step in report["steps"])
    # After the one option that was missing, the address answers, and the doctor agrees.
    cloud.end(cloud.processes[-1])
    dev_server(cloud, "--host", "0.0.0.0")
    assert laptop.get(URL) == HELLO
    report = doctor_over_ssh(laptop, ssh, URL, **REMOTE_SSH)
    assert [one["id"] for one in report["findings"]] == ["connection.editor_forwards"]
    assert laptop.doctor(URL)["exit"] == 0
    laptop.end(forward)


@quotation("Is it AWS?", "Nothing in the cloud's settings was wrong.")
def test_the_cloud_does_not_refuse_the_connection(laptop, cloud):
    """Another server on the same machine and port, on every address, is reached: the way is open."""
    cloud.start(PYTHON, "-m", "http.server", "8000", "--bind", "0.0.0.0", port=8000)
    assert "Directory listing" in laptop.get(f"http://{CLOUD}:8000/")


@quotation(
    "The Haunted Computer",
    "Its public address, 172.31.3.163, timed out.",
    "The address is private, and a server bound to 127.0.0.1 refuses there; a timeout points to a firewall.",
)
def test_a_timeout_is_reported_as_the_cloud_s_firewall(laptop, cloud):
    """A security group drops; a server that is bound to loopback refuses. That tells them apart."""
    dev_server(cloud, "--host", "0.0.0.0")
    cloud.must("iptables", "-A", "INPUT", "-i", "eth0", "-p", "tcp", "--dport", "8000", "-j", "DROP")
    assert "timed out" in laptop.get(URL)
    report = laptop.doctor(URL)
    assert report["findings"][0]["id"] == "url.dropped_on_the_way"
    assert "security group" in report["findings"][0]["text"]


@quotation("The Answer", "SSH can forward ports; with a plain SSH client localhost did not answer.")
def test_ssh_forwards_a_port_only_if_told_to(laptop, cloud, ssh):
    """A plain session forwards nothing; -L does; and whatever server it is, so it is SSH's doing."""
    dev_server(cloud)
    session = laptop.start(*ssh, "-N", TO)
    wait_for(lambda: "ESTAB" in laptop.run("ss", "-tn").stdout, 10)
    assert "connect" in laptop.get("http://localhost:8000/app")
    forward = laptop.start(*ssh, "-N", "-L", "8000:localhost:8000", TO, port=8000)
    assert laptop.get("http://localhost:8000/app") == HELLO
    laptop.end(forward)
    laptop.end(session)
    report = doctor_over_ssh(laptop, ssh, URL)
    assert [one["id"] for one in report["findings"]] == ["url.bound_to_loopback"]
    assert any("plain SSH does not forward ports" in step["text"] for step in report["steps"])


@quotation(
    "Is it FastAPI?", "It might notice the SSH session and open a connection of its own.", "It does not."
)
def test_fastapi_connects_to_nobody_in_an_ssh_session(laptop, cloud, ssh):
    """Started in an SSH session or not, it opens one listening socket and connects to nobody."""
    command = (
        f"cd {ROOT} && exec build/venv/bin/fastapi dev tests/reachability/demo.py --no-reload --port 8003"
    )
    session = laptop.start(*ssh, "-tt", TO, command, **REMOTE_SSH)
    wait_for(lambda: cloud.listens("127.0.0.1", 8003), 20)
    sockets = [line for line in cloud.run("ss", "-tanpH").stdout.splitlines() if "fastapi" in line]
    assert len(sockets) == 1 and "LISTEN" in sockets[0] and "127.0.0.1:8003" in sockets[0], sockets
    assert "connect" in laptop.get("http://localhost:8003/app")
    laptop.end(session)
    wait_for(lambda: not cloud.listens("127.0.0.1", 8003), 20)


@quotation("Is it UVicorn?", "Nothing special is known of it in SSH sessions.")
def test_uvicorn_listens_on_loopback_by_default_and_forwards_nothing(laptop, cloud, ssh):
    """It binds to 127.0.0.1 by default, as Hypercorn and http.server --bind do on request: the first
    cause. It forwards nothing: another server behind the same -L answers in the same way."""
    server = cloud.start("uvicorn", "tests.reachability.demo:app", "--port", "8000", port=8000)
    assert "connect" in laptop.get(URL)
    assert cloud.doctor(URL)["findings"][0]["id"] == "url.bound_to_loopback"
    cloud.end(server)
    cloud.start("uvicorn", "tests.reachability.demo:app", "--port", "8000", "--host", "0.0.0.0", port=8000)
    assert laptop.get(URL) == HELLO
    cloud.start(PYTHON, "-m", "http.server", "8004", "--bind", "127.0.0.1", port=8004)
    here = free_port()
    forward = laptop.start(*ssh, "-N", "-L", f"{here}:localhost:8004", TO, port=here)
    assert "Directory listing" in laptop.get(f"http://localhost:{here}/")
    laptop.end(forward)


def test_a_forwarded_port_that_nothing_listens_on_is_reported(laptop, ssh):
    """SSH takes the connection and ends it: no refusal, and yet nothing listens at the far end."""
    forward = laptop.start(*ssh, "-N", "-L", "8000:localhost:9", TO, port=8000)
    report = laptop.doctor("http://localhost:8000/app")
    assert report["findings"][0]["id"] == "url.forward_closed", report["findings"]
    laptop.end(forward)
