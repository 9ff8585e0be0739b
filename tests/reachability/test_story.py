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

told = partial(statement, page="A Haunted Story")
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
    made = not Path("/run/sshd").exists()
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
    if made:
        os.rmdir("/run/sshd")


TO = f"root@{CLOUD}"


def dev_server(cloud, *options: str, port: int = 8000):
    return cloud.start("fastapi", "dev", "tests/reachability/demo.py", "--no-reload", *options, port=port)


def doctor_over_ssh(laptop, ssh, url: str = "", **environ: str) -> dict:
    command = f"cd {ROOT} && {PYTHON} -m behindproxy doctor --json {url}"
    result = laptop.run(*ssh, TO, command, **environ)
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


@told("The Answer", "Two causes overlapped: the editor forwarded the port, and --host 0.0.0.0 was missing.")
def test_the_story(laptop, cloud, ssh):
    dev_server(cloud)
    # At its own address: nothing. (A security group that drops would have made it a time-out.)
    assert "refused" in laptop.get(URL) or "connect" in laptop.get(URL)
    # Through SSH's port forwarding: an answer, at the laptop's own localhost.
    forward = laptop.start(*ssh, "-N", "-L", "8000:localhost:8000", TO, port=8000)
    assert laptop.get("http://localhost:8000/app") == HELLO
    # The doctor, in a terminal of Remote-SSH: both causes, the first one first.
    said = doctor_over_ssh(laptop, ssh, URL, **REMOTE_SSH)
    assert [one["id"] for one in said["findings"]] == ["url.bound_to_loopback", "connection.editor_forwards"]
    bound, forwards = said["findings"]
    assert "fastapi dev" in bound["text"] and "127.0.0.1:8000" in bound["text"]
    assert "--host 0.0.0.0" in bound["fix"]
    assert "your editor forwards" in forwards["text"] and "Ports panel" in forwards["fix"]
    assert "ssh -L 8000:localhost:8000" in forwards["fix"]
    assert any("private (RFC 1918)" in step["text"] for step in said["steps"])
    # After the one option that was missing, the address answers, and the doctor agrees.
    cloud.end(cloud.processes[-1])
    dev_server(cloud, "--host", "0.0.0.0")
    assert laptop.get(URL) == HELLO
    said = doctor_over_ssh(laptop, ssh, URL, **REMOTE_SSH)
    assert [one["id"] for one in said["findings"]] == ["connection.editor_forwards"]
    assert laptop.doctor(URL)["exit"] == 0
    laptop.end(forward)


@told("Is it AWS?", "Nothing in the cloud's settings was wrong.")
def test_is_it_the_cloud_no(laptop, cloud):
    """Another server on the same machine and port, on every address, is reached: the way is open."""
    cloud.start(PYTHON, "-m", "http.server", "8000", "--bind", "0.0.0.0", port=8000)
    assert "Directory listing" in laptop.get(f"http://{CLOUD}:8000/")


@told(
    "The Haunted Computer",
    "Its public address, 172.31.3.163, timed out.",
    "The address is private, and a server bound to 127.0.0.1 refuses there; a time-out is a firewall's.",
)
def test_the_cloud_it_would_be_where_it_times_out(laptop, cloud):
    """A security group drops; a server that is bound to loopback refuses. That tells them apart."""
    dev_server(cloud, "--host", "0.0.0.0")
    cloud.must("iptables", "-A", "INPUT", "-i", "eth0", "-p", "tcp", "--dport", "8000", "-j", "DROP")
    assert "timed out" in laptop.get(URL)
    said = laptop.doctor(URL)
    assert said["findings"][0]["id"] == "url.dropped_on_the_way"
    assert "security group" in said["findings"][0]["text"]


@told("The Answer", "SSH can forward ports; with a plain SSH client localhost did not answer.")
def test_is_it_ssh_only_where_it_is_told_to_forward(laptop, cloud, ssh):
    """A plain session forwards nothing; -L does; and whatever server it is, so it is SSH's doing."""
    dev_server(cloud)
    session = laptop.start(*ssh, "-N", TO)
    wait_for(lambda: "ESTAB" in laptop.run("ss", "-tn").stdout, 10)
    assert "connect" in laptop.get("http://localhost:8000/app")
    forward = laptop.start(*ssh, "-N", "-L", "8000:localhost:8000", TO, port=8000)
    assert laptop.get("http://localhost:8000/app") == HELLO
    laptop.end(forward)
    laptop.end(session)
    said = doctor_over_ssh(laptop, ssh, URL)
    assert [one["id"] for one in said["findings"]] == ["url.bound_to_loopback"]
    assert any("plain SSH does not forward ports" in step["text"] for step in said["steps"])


@told("Is it FastAPI?", "It might notice the SSH session and open a connection of its own.", "It does not.")
def test_is_it_fastapi_no(laptop, cloud, ssh):
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


@told("Is it UVicorn?", "Nothing special is known of it in SSH sessions.")
def test_is_it_uvicorn_half(laptop, cloud, ssh):
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


def test_a_forward_to_a_closed_port_is_told_apart(laptop, ssh):
    """SSH takes the connection and ends it: no refusal, and yet nothing listens at the far end."""
    forward = laptop.start(*ssh, "-N", "-L", "8000:localhost:9", TO, port=8000)
    said = laptop.doctor("http://localhost:8000/app")
    assert said["findings"][0]["id"] == "url.forward_closed", said["findings"]
    laptop.end(forward)
