"""`make new`: what it writes, what it refuses, and how a later change reaches a copy."""

import subprocess
import sys

import pytest

from tests.checkout import docker

from .projects import APPLICATION, commit, git, theirs

PYPROJECT = '[project]\nname = "their"\nversion = "1"\ndependencies = ["fastapi"]\n'
MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop/api"}


def test_three_commands_prove_an_application(source, project):
    shop = project("shop", theirs(**{"requirements.txt": "fastapi\n"}))
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert output.rstrip().endswith("make verify")
    commit(shop.path, "deployment")
    code, output = shop.verify()
    assert code == 0, output
    assert ", 0 failed" in output.splitlines()[-1], output
    passed = int(output.splitlines()[-1].split()[0])
    assert passed > 70, output.splitlines()[-1]  # the probe is there, so who is trusted is asked too
    assert "http://127.0.0.1:" in shop.answers("/shop/api/orders/")
    assert git(shop.path, "status", "--porcelain") == ""
    if shop.runtime == "docker":
        assert "behindproxy-shop-app" in docker("image", "ls", "--format", "{{.Repository}}").splitlines()


def test_it_is_small_enough_to_review_and_none_of_it_is_hidden(source, project):
    shop = project("review", theirs(**{"requirements.txt": "fastapi\n"}))
    assert source.new(shop, **MODULE)[0] == 0
    git(shop.path, "add", "--all")
    shown = git(shop.path, "diff", "--cached")
    assert "+++ b/deployment/behindproxy_serve/asgi.py" in shown
    assert "Binary files" not in shown
    own = git(shop.path, "diff", "--cached", "--", ".", ":!deployment")
    assert len(own.splitlines()) < 1600
    for name in (
        "docker-compose.yml",
        "traefik/dynamic/routes.toml",
        "Dockerfile",
        "Makefile",
        ".env",
        ".github/workflows/deployment.yml",
    ):
        assert (shop.path / name).is_file()
    assert "name: behindproxy-review\n" in (shop.path / "docker-compose.yml").read_text()
    assert not [path for path in shop.path.rglob("*") if path.is_symlink()]
    assert str(source.path) not in (shop.path / ".copier-answers.yml").read_text()


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": PYPROJECT},
        {"pyproject.toml": PYPROJECT.replace('["fastapi"]', '["fastapi", "itsdangerous"]'), "lock": "uv"},
    ],
    ids=["pyproject", "uv.lock"],
)
def test_a_project_s_own_lists_are_installed(source, project, files, tmp_path):
    lock = files.pop("lock", "")
    shop = project("lists", {**files, "src/their/__init__.py": "", "src/their/module.py": APPLICATION})
    if lock:
        lock_with_uv(shop.path, tmp_path)
    commit(shop.path)
    assert source.new(shop, API_PREFIX="/shop")[0] == 0  # the application is found
    assert "APP_MODULE=their.module:app\n" in (shop.path / ".env").read_text()
    code, output = shop.verify(CHECKS="app.answers")
    assert code == 0, output
    if lock and shop.runtime == "native":
        assert list((shop.path / ".behindproxy" / "app").glob("lib/*/site-packages/itsdangerous"))


def lock_with_uv(path, folder) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "uv")], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "uv/bin/python")]
    subprocess.run([*pip, "install", "--quiet", "uv"], check=True)
    subprocess.run([str(folder / "uv/bin/uv"), "lock", "--quiet"], cwd=path, check=True)


def test_an_empty_project_gets_something_to_begin_with(source, project):
    empty = project("empty", {})
    code, output = source.new(empty, API_PREFIX="/shop")
    assert code == 0, output
    assert "main.py" in output
    code, output = empty.verify(CHECKS="app.answers")
    assert code == 0, output
    assert "Hello" in empty.answers("/shop/app")


def test_what_is_there_already_is_not_overwritten(source, project):
    shop = project(
        "there",
        theirs(
            Dockerfile="FROM scratch\n",
            Makefile="test:\n\ttrue\n",
            **{".env": "CURRENCY=EUR\n", "requirements.txt": "fastapi\n"},
        ),
    )
    code, output = source.new(shop, **MODULE)
    assert code != 0
    assert "has Dockerfile already, and nothing was written: OVERWRITE=1" in output
    assert git(shop.path, "status", "--porcelain") == ""
    code, output = source.new(shop, OVERWRITE="1", **MODULE)
    assert code == 0, output
    assert "add the line `include deployment/behindproxy/make/targets.mk`" in output
    assert "make -f deployment/behindproxy/make/targets.mk verify" in output
    assert (shop.path / "Makefile").read_text() == "test:\n\ttrue\n"
    assert (shop.path / ".env").read_text().startswith("CURRENCY=EUR\n")
    with (shop.path / "Makefile").open("a") as makefile:
        makefile.write("include deployment/behindproxy/make/targets.mk\n")
    code, output = shop.verify(CHECKS="app.answers")
    assert code == 0, output
    assert shop.answers("/shop/api/orders/1") == '{"currency":"EUR"}'


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DEST": ""}, "DEST is not set"),
        ({"DEST": "tests"}, "DEST=tests: lies in this project"),
        ({"DEST": "README.md"}, "DEST=README.md"),
        ({"DEST": "../no/where"}, "is not there"),
        ({"API_PREFIX": "shop"}, "API_PREFIX=shop: must start with a slash"),
        ({"APP_MODULE": "their.module"}, "APP_MODULE=their.module: must name a module and an attribute"),
    ],
)
def test_what_cannot_work_is_one_line_and_nothing_is_written(source, project, settings, says):
    shop = project("refused", theirs())
    code, output = source.make("new", **{"DEST": shop.path, **settings})
    assert code != 0
    lines = [line for line in output.splitlines() if not line.startswith("make")]
    assert len(lines) == 1, output
    assert says in lines[0]
    assert git(shop.path, "status", "--porcelain") == ""


def test_of_two_applications_one_is_to_be_named(source, project):
    shop = project("two", theirs(**{"other.py": "from fastapi import FastAPI\n\nadmin = FastAPI()\n"}))
    code, output = source.new(shop)
    assert code != 0
    assert "APP_MODULE=other:admin, APP_MODULE=their.module:app" in output


def test_later_changes_come_and_a_person_s_edits_stay(source, project):
    shop = project("updated", theirs(**{"requirements.txt": "fastapi\n"}))
    assert source.new(shop, **MODULE)[0] == 0
    routes = shop.path / "traefik" / "dynamic" / "routes.toml"
    own = routes.read_text() + "\n# ours: a router for the shop's back office\n"
    routes.write_text(own)
    code, output = source.new(shop)
    assert code != 0
    assert "changes that are not committed" in output
    assert routes.read_text() == own
    commit(shop.path)
    assert "has everything already" in source.new(shop)[1]

    before = git(source.path, "rev-parse", "HEAD")
    edit(source, "traefik/dynamic/routes.toml", 'interval = "1s"', 'interval = "2s"')
    edit(source, "src/behindproxy_serve/middleware/body_limit.py", '"""', '"""Changed since. ')
    commit(source.path, "a later version")
    code, output = source.new(shop)
    assert code == 0, output
    assert "traefik/dynamic/routes.toml" in output
    text = routes.read_text()
    assert 'interval = "2s"' in text
    assert "ours: a router" in text
    assert (
        "Changed since." in (shop.path / "deployment/behindproxy_serve/middleware/body_limit.py").read_text()
    )
    assert "APP_MODULE=their.module:app" in (shop.path / ".env").read_text()
    commit(shop.path)

    routes.write_text(text.replace('interval = "2s"', 'interval = "5s"'))
    commit(shop.path)
    edit(source, "traefik/dynamic/routes.toml", 'interval = "2s"', 'interval = "3s"')
    commit(source.path, "and another")
    code, output = source.new(shop)
    assert code != 0
    assert "conflict" in output
    assert "both sides changed the same lines of traefik/dynamic/routes.toml" in output
    assert 'interval = "5s"' in routes.read_text()
    assert 'interval = "3s"' in routes.read_text()
    git(source.path, "reset", "--quiet", "--hard", before)


def edit(source, name: str, old: str, new: str) -> None:
    path = source.path / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
