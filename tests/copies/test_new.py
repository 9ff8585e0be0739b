"""`behindproxy new`: what it writes, what it refuses, and how a later version reaches a copy."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.checkout import Checkout, docker

from .projects import commit, git, later, theirs

MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop/api"}
REQUIREMENTS = {"requirements.txt": "fastapi\n"}


def test_three_commands_prove_an_application(source, project):
    """From a clone; and `make verify` installs the tool from what lies in the copy, and from nowhere else."""
    shop = project("shop", theirs(**REQUIREMENTS))
    code, output = Checkout(source.path, "native").make("new", DEST=shop.path, **MODULE)
    assert code == 0, output
    assert output.rstrip().endswith("make verify")
    commit(shop.path, "deployment")
    with ThreadPoolExecutor(2) as pool:  # Two first targets at once: one installs, the other waits for it.
        both = [output for _, output in pool.map(shop.make, ["ps", "ps"])]
    assert sum("installing deployment/tool.lock into .behindproxy/venv" in output for output in both) == 1, (
        both
    )
    assert all("the stack is not running" in output for output in both), both
    code, output = shop.verify(None)
    assert code == 0, output
    assert ", 0 failed" in output.splitlines()[-1], output
    passed = int(output.splitlines()[-1].split()[0])
    assert passed > 70, output.splitlines()[-1]  # the probe is there, so who is trusted is checked too
    assert "http://127.0.0.1:" in shop.answers("/shop/api/orders/")
    assert git(shop.path, "status", "--porcelain") == ""
    if shop.runtime == "docker":
        assert "behindproxy-shop-app" in docker("image", "ls", "--format", "{{.Repository}}").splitlines()


def test_a_clone_and_an_installed_tool_write_the_same(source, project):
    one, other = project("shop", theirs()), project("other/shop", theirs())
    assert Checkout(source.path, "native").make("new", DEST=one.path, **MODULE)[0] == 0
    assert source.new(other, **MODULE)[0] == 0
    commit(one.path)
    commit(other.path)
    assert git(one.path, "rev-parse", "HEAD^{tree}") == git(other.path, "rev-parse", "HEAD^{tree}")


def test_the_starter_is_served(source, project):
    empty = project("begun", {})
    code, output = source.new(empty, API_PREFIX="/shop")
    assert code == 0, output
    assert "main.py   an application to begin with" in output
    code, output = empty.verify(source, CHECKS="app.answers")
    assert code == 0, output
    assert "Hello" in empty.answers("/shop/app")


def test_what_is_there_already_is_used_or_stays_and_both_work(source, project):
    own = {
        "Dockerfile": "FROM scratch\n",
        "Makefile": "tool := theirs\nup:\n\techo $(tool)\n",
        "docker-compose.yml": "services: {}\n",
        ".dockerignore": "*.log\n",
        ".github/workflows/behindproxy.yml": "on: push\n",
        ".github/dependabot.yml": "version: 2\n",
        "renovate.json": "{}\n",
        "traefik/traefik.toml": "# theirs\n",
    }
    shop = project("there", theirs(**own, **REQUIREMENTS, **{".env": "CURRENCY=EUR\n"}))
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert git(shop.path, "diff", "--name-only") == ""
    warnings = [line for line in output.splitlines() if line.startswith("! ")]
    for name in (*own, ".env"):
        assert any(name.partition("/")[0] in line.partition(" not changed")[0] for line in warnings), (
            name,
            warnings,
        )
    assert "make -f deployment/Makefile verify" in output
    with (shop.path / "Makefile").open("a") as makefile:
        makefile.write("proxy-%: ; $(MAKE) -f deployment/Makefile $*\n")  # the line that was said
    code, output = shop.verify(source, CHECKS="app.answers")
    assert code == 0, output
    assert shop.answers("/shop/api/orders/1") == '{"currency":"EUR"}'
    assert shop.makes("up") == "theirs\n"
    assert f"runtime: {shop.runtime}" in shop.makes("proxy-ps")
    # What helps is named as it is called here.
    routes = shop.path / "deployment" / "traefik" / "dynamic" / "routes.toml"
    routes.write_text(routes.read_text().replace("PathPrefix(", "PathPrefix(`/of-another`) && PathPrefix("))
    code, output = shop.verify(source, CHECKS="app.answers")
    assert code != 0, output
    assert "deployment/traefik/dynamic/routes.toml" in output
    shop.must("down")
    assert "make -f deployment/Makefile up" in shop.make("ps")[1]
    assert "make -f deployment/Makefile up" in shop.make("doctor")[1]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DEST": ""}, "DEST is not set"),
        ({"DEST": "pyvenv.cfg"}, "DEST=pyvenv.cfg: is a file"),
        ({"DEST": "../no/such/where"}, "is not there"),
        ({"API_PREFIX": "shop"}, "API_PREFIX=shop: must start with a slash"),
        ({"APP_MODULE": "their.module"}, "APP_MODULE=their.module: must name a module and an attribute"),
        ({"WITH": "swarms"}, "WITH=swarms: there is no such part; for example WITH=swarm,"),
    ],
)
def test_what_cannot_work_is_one_line_and_nothing_is_written(source, project, settings, says):
    shop = project("refused", theirs())
    code, output = source.new(shop, **settings)
    assert code == 2, output
    assert len(output.splitlines()) == 1, output
    assert says in output
    assert git(shop.path, "status", "--porcelain") == ""


def test_the_clone_itself_is_no_destination(source):
    code, output = Checkout(source.path, "native").make("new", DEST="tests")
    assert code != 0
    assert "DEST=tests: lies in this project" in output


def test_of_two_applications_one_is_to_be_named(source, project):
    shop = project("two", theirs(**{"other.py": "from fastapi import FastAPI\n\nadmin = FastAPI()\n"}))
    code, output = source.new(shop)
    assert code != 0
    assert "APP_MODULE=other:admin, APP_MODULE=their.module:app" in output


def test_what_is_not_named_is_not_there(source, project):
    shop = project("parts", theirs())
    assert source.new(shop, **MODULE)[0] == 0
    names = [str(path.relative_to(shop.path)) for path in shop.path.rglob("*") if ".git" not in path.parts]
    assert not [name for name in names if "observability" in name or "swarm" in name or "kubernetes" in name]
    assert not [name for name in names if name.endswith(("stack.yml", "alerts.yml"))]


def test_a_copy_names_no_file_that_it_has_not(source, project):
    shop = project("named", theirs())
    assert source.new(shop, WITH="swarm,observability,kubernetes", **MODULE)[0] == 0
    commit(shop.path)
    names = r"\.env\.example|(?<![\w/.])(?:docs|src|tests|behindproxy_serve|bench|\.ci)/[\w./-]+\.\w+"
    texts = git(shop.path, "grep", "-IEho", r"\S*(\.env\.example|/)\S*", "--", ".", ":!*.lock").splitlines()
    paths = {match for text in texts for match in re.findall(names, text)}
    assert [name for name in sorted(paths) if not (shop.path / name).exists()] == []


@pytest.mark.parametrize(
    ("part", "name"),
    [("swarm", "stack.yml"), ("observability", "alerts.yml"), ("kubernetes", "kustomization.yaml")],
)
def test_what_is_named_is_there_and_may_be_named_later(source, project, part, name):
    shop = project("parts", theirs())
    assert source.new(shop, WITH=part, **MODULE)[0] == 0
    (first,) = shop.path.rglob(name)
    other = project("later", theirs())
    assert source.new(other, **MODULE)[0] == 0
    commit(other.path)
    code, output = source.run("update", other.path, "--with", part)
    assert code == 0, output
    (second,) = other.path.rglob(name)
    assert first.relative_to(shop.path) == second.relative_to(other.path)
    assert f'with = ["{part}"]' in (other.path / "deployment/behindproxy.toml").read_text()


def test_a_later_version_comes_and_a_person_s_edits_stay(source, project):
    shop = project("updated", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    commit(shop.path)
    assert "has everything already" in source.run("update", shop.path)[1]
    routes = shop.path / "traefik" / "dynamic" / "routes.toml"
    own = routes.read_text() + "\n# ours: a router for the shop's back office\n"
    routes.write_text(own)
    second = later(source, "0.2.0", {"traefik/dynamic/routes.toml": ('interval = "1s"', 'interval = "2s"')})
    code, output = second.run("update", shop.path)
    assert code == 2
    assert "changes that are not committed: traefik/dynamic/routes.toml" in output
    assert routes.read_text() == own
    commit(shop.path)
    (shop.path / "their" / "module.py").write_text("# in progress, and nothing of the deployment's\n")
    code, output = second.run("update", shop.path)
    assert code == 0, output
    assert "from 0.1.0 to 0.2.0" in output
    text = routes.read_text()
    assert 'interval = "2s"' in text
    assert "ours: a router" in text
    assert (shop.path / "their" / "module.py").read_text().startswith("# in progress")
    assert sorted(path.name for path in (shop.path / "deployment").glob("*.whl")) == [
        "behindproxy-0.2.0-py3-none-any.whl",
        "behindproxy_serve-0.2.0-py3-none-any.whl",
    ]
    assert "behindproxy-0.2.0-py3" in (shop.path / "deployment" / "tool.lock").read_text()
    commit(shop.path)
    code, output = source.run("update", shop.path)
    assert code == 2 and "was made by behindproxy 0.2.0, and this is 0.1.0" in output, output

    routes.write_text(text.replace('interval = "2s"', 'interval = "5s"'))
    commit(shop.path)
    third = later(second, "0.3.0", {"traefik/dynamic/routes.toml": ('interval = "2s"', 'interval = "3s"')})
    code, output = third.run("update", shop.path)
    assert code == 1
    assert "both sides changed the same lines of traefik/dynamic/routes.toml" in output
    assert 'interval = "5s"' in routes.read_text()
    assert 'interval = "3s"' in routes.read_text()


def test_an_updated_copy_is_served_by_the_later_version(source, project):
    shop = project("served", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    commit(shop.path)
    second = later(source, "0.2.0", {})
    code, output = second.run("update", shop.path)
    assert code == 0, output
    code, output = shop.verify(second, CHECKS="app.answers")
    assert code == 0, output
