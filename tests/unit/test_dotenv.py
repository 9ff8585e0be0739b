"""The `.env` parser, against the real Compose where there is one."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from behindproxy.stack.dotenv import DotenvError, parse

CASES = {
    "plain": "A=/api/v1\n",
    "no newline at the end": "A=1",
    "spaces round": "A = b c  \n",
    "comment": "# no\nA=b # yes\nB=b#no\n",
    "export": "export A=1\n",
    "yaml style": "A: b\n",
    "single quotes are literal": "A='$HOME ${X} # no' # yes\n",
    "double quotes expand": 'X=1\nA="a ${X} # no"\n',
    "escapes": 'A="a\\tb\\nc\\"d\\\\e"\n',
    "multi-line": 'A="a\nb"\nB=2\n',
    "default": "A=${NOT_SET:-fallback}\nB=${EMPTY:-x}${EMPTY-y}\nEMPTY=\nC=${EMPTY:-z}${EMPTY-y}\n",
    "other": "X=1\nA=${X:+set}${NOT_SET:+not}\n",
    "nested": "A=${NOT_SET:-${ALSO_NOT:-deep}}\n",
    "earlier line": "A=1\nB=$A${A}\n",
    "environment first": "GIVEN=file\nA=${GIVEN}\n",
    "windows line ends": "A=1\r\nB=2\r\n",
    "inherited": "GIVEN\n",
    "empty": "A=\nB=''\n",
    "brackets": "PUBLIC_HOSTS=localhost,127.0.0.1,[::1]\n",
}
ENVIRON = {"GIVEN": "environment", "PATH": os.environ["PATH"], "HOME": "/nowhere"}
# Where the client finds its plugins.
ENVIRON |= {key: os.environ[key] for key in ("DOCKER_CONFIG",) if key in os.environ}


def compose() -> list[str] | None:
    own = Path(__file__).resolve().parents[2] / "build/venv/bin/docker-compose"
    for command in ([str(own)], ["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and not subprocess.run([*command, "version"], capture_output=True).returncode
        ):
            return command
    return None


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_reads_what_compose_reads(text, tmp_path):
    command = compose()
    if not command:
        pytest.skip("no Compose here: requirements/compose.txt installs one")
    ours = {**parse(text, ENVIRON), "GIVEN": ENVIRON["GIVEN"]}
    service = {"image": "x", "environment": {key: f"${{{key}}}" for key in ours}}
    (tmp_path / ".env").write_bytes(text.encode())
    (tmp_path / "compose.json").write_text(json.dumps({"services": {"x": service}}))
    result = subprocess.run(
        [*command, "-f", "compose.json", "config", "--format", "json"],
        cwd=tmp_path,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(result.stdout)["services"]["x"]["environment"]
    assert ours == {key: value.replace("$$", "$") for key, value in theirs.items()}


@pytest.mark.parametrize(
    "text, says",
    [
        ("A=1\nno key here\n", "line 2"),
        ('A="never closed\n', "never closed"),
        ("A='x' y\n", "text follows"),
        ("A=${B:?set B}\n", "B is required: set B"),
    ],
)
def test_a_broken_line_is_named(text, says):
    with pytest.raises(DotenvError, match=says):
        parse(text, {})
