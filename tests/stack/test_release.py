"""release.yml: what its steps run, run here."""

import os
import subprocess
from importlib.util import find_spec

import pytest
import yaml

import behindproxy
from tests.checkout import ROOT, docker, must

JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
IMAGE = "Registry.test/Owner/Tool"


def step(job: str, name: str) -> str:
    """The script of the job's step `name`."""
    (script,) = (one["run"] for one in JOBS[job]["steps"] if one.get("id") == name)
    return script


def run(folder, script: str, **environ: object) -> tuple[int, str]:
    process = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **{name: str(value) for name, value in environ.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return process.returncode, process.stdout


def test_a_tag_must_be_the_version():
    version = f"v{behindproxy.__version__}"
    assert run(ROOT, step("build", "version"), GITHUB_REF_NAME=version) == (0, "")
    code, output = run(ROOT, step("build", "version"), GITHUB_REF_NAME="v9.9.9")
    assert code == 1 and output.startswith(f"the tag v9.9.9 is not the version: tag {version}")


def test_its_packages_are_those_of_make_wheels():
    assert "make wheels" in [one.get("run") for one in JOBS["build"]["steps"]]
    assert JOBS["publish"]["environment"] == "release"
    assert JOBS["publish"]["permissions"] == {"id-token": "write"}


def test_its_image_verifies_a_deployment(checkout, tmp_path):
    if checkout.runtime != "docker":
        pytest.skip("RUNTIME is not docker")
    if not (find_spec("hatchling") and find_spec("build")):
        pytest.skip("hatchling or build is not installed: src/behindproxy/make/environment.sh build")
    must(str(checkout.path / "deploy" / "tool" / "wheels.sh"))
    version = behindproxy.__version__
    environ = {"IMAGE": IMAGE, "GITHUB_REF_NAME": f"v{version}", "GITHUB_OUTPUT": tmp_path / "output"}
    image = f"{IMAGE.lower()}:{version}"
    try:
        code, output = run(checkout.path, step("image", "image"), **environ)
        assert code == 0, output
        assert output.splitlines()[-1] == f"behindproxy {version}"
        assert (tmp_path / "output").read_text() == f"image={image}\n"
        checkout.must("up")
        here = ["run", "--rm", "--network", "host", "--user", str(os.getuid()), "-v", f"{tmp_path}:/work"]
        url = f"http://127.0.0.1:{checkout.http}/api/v1"
        report = docker(*here, image, "verify", url, "--only", "app.,prefix.")
        assert " 0 failed" in report.splitlines()[-1]
        assert (tmp_path / "behindproxy-report" / "report.html").exists()
    finally:
        subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True)
