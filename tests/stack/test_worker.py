"""WORKER_COMMAND beside the demonstration, in the runtime that RUNTIME names."""

import re
import signal
import subprocess

import psutil

from tests.checkout import docker, wait_for

COMMAND = "python -m tests.worker"


def send(served, number: signal.Signals) -> None:
    """Send the signal to the worker's first process."""
    if served.runtime == "docker":
        docker("kill", "--signal", number.name, served.container("worker"))
    for process in psutil.process_iter() if served.runtime == "native" else ():
        try:
            if process.cmdline()[1:] == COMMAND.split()[1:] and process.cwd() == str(served.path):
                process.send_signal(number)
        except psutil.Error:
            continue


def replaced(served) -> str:
    """What the worker that runs wrote until it was replaced."""
    if served.runtime == "native":  # where a deploy replaces nothing
        served.must("restart")
        log = (served.path / "build" / "native" / "worker.log").read_text()
        return log[: log.rindex("the worker ends\n") + 16]
    before = served.container("worker")
    log = subprocess.Popen(["docker", "logs", "--follow", before], stdout=subprocess.PIPE, text=True)
    served.must("deploy")
    assert served.container("worker") != before
    return log.communicate(timeout=10)[0]


def test_a_worker_is_a_part_like_the_others(served):
    (served.path / ".env").write_text(f"WORKER_COMMAND={COMMAND}\nDRAIN_SECONDS=3\n")
    served.must("up")
    wait_for(lambda: "job begun" in served.must("logs", FOLLOW=0))
    code, output = served.make("ps")
    assert code == 0 and re.search(r"(?m)^worker +healthy ", output), output
    assert re.search(r"(?m)^\W*worker\W.*(runs|healthy)", served.make("doctor")[1])
    # It ends the job that it has begun, and nothing starts one after the signal.
    text = replaced(served)
    assert text.count("job begun") == text.count("job ended") > 0 and text.endswith("the worker ends\n")
    send(served, signal.SIGSTOP)
    wait_for(lambda: "unhealthy: worker " in served.make("ps")[1], 60)
    send(served, signal.SIGCONT)
    wait_for(lambda: served.make("ps")[0] == 0, 60)
    (served.path / ".env").unlink()
    served.must("up")
    assert "worker" not in served.must("ps")
    # One that cannot start is no start, and its last lines say why.
    code, output = served.make("up", WORKER_COMMAND=f"{COMMAND} nothing")
    assert code != 0 and "no broker" in output, output
