"""The commands: their names, and what --explain says."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import yaml

from behindproxy.cli import Grouped, main, verify
from tests.checkout import ROOT

# Without a target: what has no use in `make`, or another name there.
COMMANDS_ALONE = {"completion", "manual", "settings"}
# Options of the stack in a clone or a copy, and those that send nothing.
NOT_IN_THE_ACTION = {"runtime", "curl", "explain", "list"}


# The names that people and scripts may rely on.
TARGETS = set(
    "up down restart ps logs clean dev deploy rollback doctor curl verify swarm-deploy swarm-ps swarm-rm "
    "new update test lint mutants bench compat applications lock docs".split()
)


def called(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "behindproxy", *arguments]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return process.returncode, process.stdout + process.stderr


def makefiles() -> str:
    return "".join((ROOT / name).read_text() for name in ("src/behindproxy/make/targets.mk", "Makefile"))


def test_no_target_that_people_rely_on_is_missing():
    assert set(re.findall(r"(?m)^([a-z-]+):.* ## ", makefiles())) >= TARGETS


def test_each_target_is_a_name_for_a_command():
    text = makefiles()
    recipes = dict(
        re.findall(r"(?m)^([a-z-]+):.*\n(?:\t(?!@\$\(PY\)).*\n)*\t@\$\(PY\) -m behindproxy ([a-z-]+)", text)
    )
    assert recipes == {name: name for name in recipes}
    assert recipes.keys() == main.commands.keys() - COMMANDS_ALONE


def test_each_command_is_under_one_heading():
    names = [name for group in Grouped.headings.values() for name in group]
    assert sorted(names) == sorted(main.commands)


def test_the_action_takes_the_options_of_verify_and_passes_each_on():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = action["runs"]["steps"]
    options = [one for parameter in verify.params for one in parameter.opts if one.startswith("--")]
    names = {"url", *(one.removeprefix("--") for one in options)} - NOT_IN_THE_ACTION
    assert action["inputs"].keys() == names
    assert set(step["env"].values()) == {f"${{{{ inputs.{name} }}}}" for name in names}
    variables = {parameter.envvar for parameter in verify.params}
    assert [name for name in step["env"] if f"${name}" not in step["run"] and name not in variables] == []


def test_the_list_of_commands_has_whole_sentences():
    text = called("--help")[1].partition("Options:")[2]
    assert "Run:" in text and "..." not in text


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("behindproxy ver", "plain,verify"),
        ("behindproxy verify --pro", "plain,--proxy"),
        ("behindproxy verify --proxy hap", "plain,haproxy"),
        ("behindproxy verify --ca ./", "file,./"),
        ("behindproxy verify --accept ./", "file,./"),
        ("behindproxy update ./", "file,./"),
    ],
)
def test_the_shell_completes(line, word, monkeypatch):
    for name, value in {
        "_BEHINDPROXY_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", "from behindproxy.cli import main; main(prog_name='behindproxy')"]
    assert word in subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.splitlines()


def test_a_check_is_explained():
    status, text = called("verify", "--explain", "trust.direct_cannot_spoof")
    assert status == 0
    assert text.startswith("trust.direct_cannot_spoof   on direct\n")
    assert all(f"\n  {name} " in text for name in ("title", "states", "fix", "source"))
    assert text.endswith(
        "/advanced/behind-a-proxy/\n             https://github.com/Kludex/uvicorn/issues/2971\n"
    )


def test_an_unknown_check_is_one_line_with_what_is_near():
    status, text = called("verify", "--explain", "scope.shceme")
    assert (status, text.count("\n")) == (2, 1)
    assert text.startswith("--explain scope.shceme: no check has this id; for example scope.scheme")


def test_an_empty_id_is_not_explained_by_a_run():
    status, text = called("verify", "--explain", "")
    assert (status, text.count("\n")) == (2, 1), text


@pytest.mark.parametrize("command", ["verify", "curl", "doctor"])
@pytest.mark.parametrize(
    "url", ["http://me:hidden@127.0.0.1:9/shop", "ftp://me:hidden@127.0.0.1/", "me:hidden@x/"]
)
def test_a_password_in_a_url_is_refused_and_not_repeated(command, url):
    status, text = called(command, url)
    assert (status, text.count("\n")) == (2, 1), text
    assert "hidden" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["http://127.0.0.1:9/a b"],
        ["http://127.0.0.1:9/a\nb"],
        ["http://ä..b/shop"],
        [f"http://{'a' * 70}.example/shop"],
        ["http://127.0.0.1:9/shop", "--ca", __file__],
        ["http://127.0.0.1:9/shop", "--ca", os.path.dirname(__file__)],
        ["http://127.0.0.1:9/shop", "--report", f"{__file__}/report"],
        ["http://127.0.0.1:9", "--path", "@127.0.0.1:10/x"],
        ["http://127.0.0.1:9", "--protected", "@127.0.0.1:10/x"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_what_cannot_be_checked_is_status_2_and_no_traceback(arguments, tmp_path):
    status, text = called("verify", "--report", str(tmp_path), *arguments)
    assert status == 2
    assert "Traceback" not in text and "INTERNALERROR" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_takes_the_suite_along_and_has_no_findings(number, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/shop"
        command = [sys.executable, "-m", "behindproxy", "verify", url, "--report", str(tmp_path)]
        with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as run:
            silent.settimeout(30)
            connection, _ = silent.accept()  # the suite's first request
            run.send_signal(number)  # to the command alone
            assert run.wait(20) == 128 + number
            with connection:
                connection.settimeout(10)
                while connection.recv(65536):
                    pass  # the suite's end closes it


def test_an_encoding_without_the_marks_stops_no_command():
    for redirection in ("", ">&-"):  # into a pipe, and where standard output is closed
        command = f"{sys.executable} -m behindproxy doctor http://127.0.0.1:9/ {redirection}"
        environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
        process = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, env=environ, timeout=60
        )
        assert "Traceback" not in process.stderr, process.stderr
        assert redirection or "? " in process.stdout
