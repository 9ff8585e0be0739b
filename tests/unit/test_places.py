"""A text names the project's own Makefile and files, where a copy has them elsewhere."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from behindproxy import manual
from behindproxy.contract.advice import reference
from behindproxy.contract.advice.places import TARGETS, TOOL, Places
from behindproxy.contract.checks import test_containers
from behindproxy.doctor.findings import ENTRIES
from behindproxy.scaffold.render import included, templates
from behindproxy.stack import paths
from behindproxy.stack.paths import ROOT

from .targets import target

COPY = Places("deployment/Makefile", "deployment", TOOL)
# What a copy shows of none of them: pages that are written for this repository, and what a build here says.
OF_A_CLONE = ("settings/pages.py", "scaffold/wheels.py")


@pytest.mark.parametrize(
    "text, own",
    [
        ("DOCS in .env, then make up", "DOCS in .env, then make -f deployment/Makefile up"),
        (
            "`make ps` and `make logs`",
            "`make -f deployment/Makefile ps` and `make -f deployment/Makefile logs`",
        ),
        ("the rule in traefik/dynamic/routes.toml", "the rule in deployment/traefik/dynamic/routes.toml"),
        ("(traefik/dynamic/routes.toml)", "(deployment/traefik/dynamic/routes.toml)"),
        ("ports: in docker-compose.yml", "ports: in deployment/docker-compose.yml"),
        ("traefik/traefik#2214", "traefik/traefik#2214"),
        ("build/traefik/traefik.toml", "build/traefik/traefik.toml"),
        ("make sure of it", "make sure of it"),
        ("set DOMAIN (docs/production.md)", f"set DOMAIN ({TOOL} manual production)"),
        ("docs/production.md › Start", f"{TOOL} manual production › Start"),
        (".env.example lists them all", f"{TOOL} settings --format env lists them all"),
        ("Docs in behindproxy_serve/order.py", "Docs in behindproxy_serve.order"),
        ("Docs in src/behindproxy_serve/order.py", "Docs in behindproxy_serve.order"),
        (
            "RootPath in behindproxy_serve/middleware/root_path.py.",
            "RootPath in behindproxy_serve.middleware.root_path.",
        ),
    ],
)
def test_a_copy_has_names_of_its_own(text, own):
    assert COPY.named(text) == own
    assert Places().named(text) == text


def test_the_containers_of_a_copy_are_those_of_its_own_compose_file(tmp_path, monkeypatch):
    folder = tmp_path / "deployment"
    label, started = "com.docker.compose", {"traefik": "a", "app": "b"}

    def docker(*arguments):
        if arguments[0] == "ps":
            there = arguments[-1] == f"label={label}.project.working_dir={folder}"
            return " ".join(started.values()) if there else ""
        labels = {f"{label}.project.config_files": f"{folder}/docker-compose.yml"}
        return json.dumps([{"Config": {"Labels": labels | {f"{label}.service": name}}} for name in started])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(test_containers, "docker", docker)
    own = target("http://127.0.0.1:1/shop", places=COPY)
    assert test_containers.containers(own).keys() == started.keys()
    with pytest.raises(RuntimeError, match="no running container of traefik and app from"):
        test_containers.containers(target("http://127.0.0.1:1/shop"))


def test_the_targets_are_those_of_a_copy():
    makefile = (ROOT / "src/behindproxy/template/makefile").read_text()
    targets = re.search(r"(?m)^\.PHONY: (.*)$", makefile)[1].split()
    assert set(TARGETS.split("|")) == set(targets) - {"help"}


def test_no_remedy_of_a_copy_names_a_target_or_a_file_that_it_has_not():
    texts = [
        *reference.CAUSES.values(),
        *reference.CHECKS.values(),
        *(text for entry in ENTRIES.values() for text in (entry.fix, *entry.fixes.values())),
    ]
    assert len(texts) > 100
    for text in texts:
        own = COPY.named(text)
        assert own.count("make up") == own.count(" traefik/") == 0, own


def test_a_copy_has_its_own_tool_a_clone_none_and_elsewhere_it_is_the_installed_one(tmp_path, monkeypatch):
    assert paths._places(tmp_path) == Places()
    monkeypatch.setattr(paths, "SOURCE", tmp_path / "site-packages")
    assert paths._places(tmp_path) == Places(tool="behindproxy")
    (tmp_path / "deployment").mkdir()
    (tmp_path / "deployment" / "behindproxy.toml").write_text('makefile = "Makefile"\nstack = "deployment"\n')
    assert paths._places(tmp_path) == Places("Makefile", "deployment", TOOL)


def messages(path) -> Iterator[tuple[int, str]]:
    """Each text of a module that has words, with its line; neither docstrings nor a finding's source, which
    docs/troubleshooting.md alone shows."""
    tree = ast.parse(path.read_text())
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg == "source" and path.name == "findings.py":
            silent.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            if " " in node.value:
                yield node.lineno, node.value


def modules() -> Iterator[tuple[str, list[tuple[int, str]]]]:
    for package in ("behindproxy", "behindproxy_serve"):
        for path in sorted((ROOT / "src" / package).rglob("*.py")):
            name = str(path.relative_to(ROOT / "src" / package))
            if name not in OF_A_CLONE and not name.startswith("template/"):
                yield f"{package}/{name}", list(messages(path))


def test_no_message_of_a_copy_names_a_file_that_it_has_not():
    """A copy has the template's files, and in the tool the pages of the manual and the packages."""
    process = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    copied = {name.removesuffix(".jinja").partition("/")[2] for name in templates()}
    theirs = {"Dockerfile", "Makefile", "README.md", "pyproject.toml", ".dockerignore", "LICENSE"}
    missing = {*process.stdout.split()} - copied - theirs
    messages = [
        (f"{name}:{line}", COPY.named(text))
        for name, texts in modules()
        for line, text in texts
        if COPY.has(text)  # else a copy shows the advice for any deployment
    ]
    assert len(messages) > 2000
    assert [
        (where, path)
        for where, text in messages
        for path in re.findall(r"(?<![\w./-])[\w.-]*[/.][\w./-]*\w", text)
        if path in missing or path.startswith("docs/")
    ] == []


def test_each_page_that_a_message_names_is_in_the_tool():
    pages = {
        page
        for _, texts in modules()
        for _, text in texts
        for page in re.findall(r"docs/([a-z-]+)\.md", text)
    }
    wheel = {one.removeprefix("behindproxy/pages/") for one in included() if "/pages/" in one}
    assert pages and {f"{page}.md" for page in pages} <= wheel


def test_what_is_printed_names_what_a_copy_has():
    """Errors pass through `named` in one place; what is printed, where it is."""
    bare_calls = []
    for path in sorted((ROOT / "src" / "behindproxy").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        renamed = {
            id(one) for call in calls if getattr(call.func, "attr", "") == "named" for one in ast.walk(call)
        }
        for call in calls:
            if getattr(call.func, "id", getattr(call.func, "attr", "")) in ("print", "echo", "Step"):
                bare_calls += [
                    f"{path.name}:{one.lineno}: {one.value}"
                    for one in ast.walk(call)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in renamed
                    if COPY.named(one.value) != one.value
                ]
    assert bare_calls == []


def test_a_page_of_the_manual_has_its_words_and_no_link_to_a_file():
    text = manual.text("scaling")
    assert text.startswith("docs/scaling.md of behindproxy ")
    assert re.findall(r"\]\((?!https?:)[^)]*\)", text) == []
    assert "production" in manual.listed() and manual.listed()["scaling"] == "From one machine to several"
    with pytest.raises(SystemExit, match="scale: no such page; there are .*scaling"):
        manual.text("scale")
