"""Both wheels in an empty environment, called outside of any clone: what `pip install` gives a person."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.checkout import ROOT, STEERS, must

CHECKS = "app.,prefix.,redirects.,browser.,fuzz."
REPORT = "behindproxy-report"
HOSTILE = {
    "pyproject.toml": """\
[tool.pytest.ini_options]
addopts = "-q --strict-markers -m 'not slow'"
testpaths = ["tests"]
python_files = ["check_*.py"]
python_functions = ["check_*"]
norecursedirs = ["checks", "contract"]
filterwarnings = ["error"]
markers = ["slow"]
""",
    "conftest.py": """\
import pytest


def pytest_addoption(parser):
    parser.addoption("--url")


@pytest.fixture(autouse=True)
def no_network():
    raise RuntimeError("the project's own")
""",
    "tests/conftest.py": "raise RuntimeError('imported')",
    "tests/check_theirs.py": "def check_it():\n    assert False\n",
    "requests.py": "raise RuntimeError('imported')",
    "behindproxy_serve.py": "raise RuntimeError('imported')",
}


class Installed:
    def __init__(self, path: Path) -> None:
        self.bin = path / "bin"
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith((*STEERS, "PYTHON", "PYTEST", "TLS_", "CA_", "PROXY_"))
        } | {"PATH": f"{self.bin}:{os.environ['PATH']}", "DOCKER_HOST": "tcp://127.0.0.1:9"}

    def run(self, folder: Path, *command: str, **environ: str) -> tuple[int, str]:
        """The exit status of one of its commands in `folder`, and what it prints."""
        process = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=folder,
            env=self.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return process.returncode, process.stdout


@pytest.fixture(scope="module")
def installed(checkout, tmp_path_factory) -> Installed:
    if not (find_spec("hatchling") and find_spec("build")):
        pytest.skip("hatchling or build is not installed: src/behindproxy/make/environment.sh build")
    must(str(checkout.path / "deploy" / "tool" / "wheels.sh"))
    wheels = map(str, (checkout.path / "build" / "dist").glob("*.whl"))
    path = tmp_path_factory.mktemp("installed") / "venv"
    must(sys.executable, "-m", "venv", str(path))
    pip = str(path / "bin" / "python"), "-m", "pip"
    pins = str(ROOT / "requirements" / "tool.txt")
    subprocess.run([*pip, "install", "--quiet", "--require-hashes", "-r", pins], check=True, timeout=300)
    must(*pip, "install", "--quiet", "--no-deps", "--no-index", *wheels)
    must(*pip, "check")
    return Installed(path)


@pytest.fixture(scope="module")
def served(checkout):
    checkout.must("up")
    return checkout


@pytest.fixture
def empty(tmp_path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def addresses(checkout) -> list[str]:
    """The options that name its running stack."""
    return [
        f"http://127.0.0.1:{checkout.http}/api/v1",
        f"--tls-url=https://127.0.0.1:{checkout.https}/api/v1",
        f"--direct=http://127.0.0.1:{checkout.direct}",
        f"--ca={checkout.path}/build/tls/ca.pem",
    ]


def statuses(folder: Path) -> list[tuple[str, str]]:
    """Each check of the report in `folder` with its status."""
    checks = json.loads((folder / "report.json").read_text())["checks"]
    return [(check["id"], check["status"]) for check in checks]


def test_it_says_of_a_deployment_what_make_verify_says(installed, served, empty):
    url, tls, direct, ca = (one.partition("=")[2] or one for one in addresses(served))
    code, output_of_make = served.make(
        "verify", PROXY_URL=url, TLS_URL=tls, DIRECT_URL=direct, CA_FILE=ca, FAST="1"
    )
    assert code == 0, output_of_make
    code, output = installed.run(empty, "behindproxy", "verify", *addresses(served), "--fast")
    assert code == 0, output
    assert output.splitlines()[-1] == output_of_make.splitlines()[-1]
    assert statuses(empty / REPORT) == statuses(served.path / "build" / "verify")
    assert [path.name for path in empty.iterdir()] == [REPORT]


@pytest.mark.parametrize("files", [{}, HOSTILE], ids=["in an empty folder", "in a project"])
def test_verify_and_pytest_show_the_same_wherever_they_are_called(installed, served, empty, files):
    for name, text in files.items():
        (empty / name).parent.mkdir(exist_ok=True)
        (empty / name).write_text(text)
    code, output = installed.run(empty, "behindproxy", "verify", *addresses(served), "--only", CHECKS)
    assert code == 0, output
    results = statuses(empty / REPORT)
    assert ("app.root_path", "passed") in results
    shutil.rmtree(empty / REPORT)
    options = f"--url={addresses(served)[0]}", *addresses(served)[1:], f"--only={CHECKS}"
    code, output_of_pytest = installed.run(
        empty, "pytest", "-p", "no:cacheprovider", "--pyargs", "behindproxy.contract", *options
    )
    assert code == 0, output_of_pytest
    assert output_of_pytest.splitlines()[-1] == output.splitlines()[-1]
    assert statuses(empty / REPORT) == results
    assert {path.name for path in empty.iterdir()} == {REPORT, *(name.split("/")[0] for name in files)}


def test_an_environment_inside_the_project_changes_nothing(installed, served, empty):
    """The suite then lies below the project's own conftest.py."""
    for name, text in HOSTILE.items():
        (empty / name).parent.mkdir(exist_ok=True)
        (empty / name).write_text(text)
    inside = empty / "env"
    shutil.copytree(installed.bin.parent, inside, symlinks=True)
    options = f"--url={addresses(served)[0]}", *addresses(served)[1:], "--only=app."
    process = subprocess.run(
        [inside / "bin" / "python", "-P", "-m", "pytest", "--pyargs", "behindproxy.contract", *options],
        cwd=empty,
        env=installed.environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert ("app.root_path", "passed") in statuses(empty / REPORT)


def test_what_an_extra_checks_is_skipped_with_its_name(installed, served, empty):
    options = "--only", "browser.docs,fuzz.schema,app.root_path"
    code, output = installed.run(empty, "behindproxy", "verify", *addresses(served), *options)
    assert code == 0, output
    checks = json.loads((empty / REPORT / "report.json").read_text())["checks"]
    reasons = {
        check["id"].partition(".")[0]: check["observed"] for check in checks if check["status"] == "skipped"
    }
    assert "pip install 'behindproxy[browser]'" in reasons["browser"], reasons
    assert "pip install 'behindproxy[fuzz]'" in reasons["fuzz"], reasons


def test_findings_are_status_1(installed, served, empty):
    url = f"http://127.0.0.1:{served.http}/api/v2"
    code, output = installed.run(
        empty, "behindproxy", "verify", url, "--only", "app.,prefix.", "--report", "its"
    )
    assert code == 1 and "Traceback" not in output, output
    assert (empty / "its" / "report.html").exists() and not (empty / REPORT).exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["verify", "http://127.0.0.1:9/api/v1"], "nothing answers at http://127.0.0.1:9/api/v1"),
        (["verify", "ftp://127.0.0.1/api/v1"], "is not a URL"),
        (["verify", "http://127.0.0.1:99999/api/v1"], "is not a URL"),
        (["verify", "http://[::1/api/v1"], "is not a URL"),
        (["curl", "http:///api/v1"], "is not a URL"),
        (["verify", "http://127.0.0.1:9/api/v1?a=1"], "?a=1 cannot be part of a prefix"),
        (["verify", "http://127.0.0.1:9/\udcff"], "is not a URL"),
        (["verify", "http://127.0.0.1:9/api/v1", "--openapi", __file__], "is not an OpenAPI schema in JSON"),
        (["verify", "--direct", "http://127.0.0.1:9"], "name the public address too"),
        (["verify"], "behindproxy verify https://api.example.com/shop"),
        (["curl"], "behindproxy curl https://api.example.com/shop"),
        (["verify", "--nonsense"], "--nonsense"),
        (["verify", "http://127.0.0.1:9/api/v1", "--ca", "none.pem"], "none.pem does not exist"),
        (["doctor", "nonsense"], "must begin with http://"),
        (["up"], "no docker-compose.yml"),
        (["ps"], "no docker-compose.yml"),
        (["down"], "no docker-compose.yml"),
        (["clean"], "no docker-compose.yml"),
        (["swarm-deploy"], "no docker-compose.yml"),
        (["new"], "DEST is not set"),
        (["update"], "has no deployment/behindproxy.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_run_is_status_2_and_one_line(installed, empty, arguments, words):
    code, output = installed.run(empty, "behindproxy", *arguments)
    assert code == 2 and words in output and "Traceback" not in output, output
    if "--nonsense" not in arguments:
        assert len(output.splitlines()) == 1, output
    assert {path.name for path in empty.iterdir()} <= {REPORT}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["verify", "--help"],
        ["verify", "--list"],
        ["completion", "bash"],
        ["completion", "zsh"],
        ["completion", "fish"],
    ],
    ids=" ".join,
)
def test_what_needs_no_deployment(installed, empty, arguments):
    code, output = installed.run(empty, "behindproxy", *arguments)
    assert code == 0 and output, output
    assert list(empty.iterdir()) == []


def test_help_says_where_the_report_is_written(installed, empty):
    assert REPORT in installed.run(empty, "behindproxy", "verify", "--help")[1]


def test_doctor_looks_from_an_empty_folder_and_writes_nothing(installed, empty):
    code, output = installed.run(empty, "behindproxy", "doctor")
    assert code in (0, 1) and "Traceback" not in output, output
    assert list(empty.iterdir()) == []


def test_up_without_an_engine_names_the_extra(installed, checkout, empty):
    for name in ("docker-compose.yml", "traefik"):
        must("cp", "-R", str(checkout.path / name), str(empty))
    code, output = installed.run(empty, "behindproxy", "up")
    assert code == 2 and "Traceback" not in output, output
    runtime, line = output.splitlines()
    assert "native" in runtime and "pip install 'behindproxy[native]'" in line
