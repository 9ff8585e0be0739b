"""`make new` overwrites nothing of a person's and hides nothing of it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from .projects import APPLICATION, HOME, Project, commit, git, link_environment, theirs

MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop/api"}
TEMPLATE = Path("src/behindproxy/template")
FACTORY = """from fastapi import FastAPI


def create_app() -> FastAPI:
    app = FastAPI()
    return app
"""
REQUIREMENTS = {"requirements.txt": "fastapi\n"}


def lines_of(output: str) -> list[str]:
    """What `make new` said, without make's own line on a failure."""
    return [line for line in output.splitlines() if not line.startswith("make")]


def refusal(source, project: Project, **settings: str) -> str:
    """The one line with which it ends; nothing was written."""
    before = contents(project.path)
    code, output = source.new(project, **settings)
    assert code == 2, output
    assert "Error 2" in output  # its own exit status, which make's hides
    assert len(lines_of(output)) == 1, output
    assert contents(project.path) == before
    return lines_of(output)[0]


def contents(folder: Path) -> dict[str, object]:
    paths = [path for path in folder.rglob("*") if ".git" not in path.relative_to(folder).parts]
    return {
        str(path.relative_to(folder)): path.readlink()
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in paths
    }


# Later changes


def origins(source) -> dict[str, Path]:
    """The files of a copy, and where each lies in the repository."""
    found = {}
    for path in sorted((source.path / TEMPLATE).rglob("*")):
        name = str(path.relative_to(source.path / TEMPLATE)).removesuffix(".jinja")
        inside = sorted(path.resolve().rglob("*")) if path.is_dir() and path.is_symlink() else []
        for origin, file in [(path, name)] + [
            (one, f"{name}/{one.relative_to(path.resolve())}") for one in inside
        ]:
            if origin.is_file() and "__pycache__" not in origin.parts and "{{" not in file:
                found[file] = origin.resolve()
    return found


def later(source, number: int, origin: Path) -> None:
    """Far from an edit at the end in one file, near it in the next, and both in the third."""
    lines = origin.read_text().splitlines(keepends=True)
    if number % 3 != 1:
        lines.insert(1, f"# later, below the first line of {origin.name}\n")
    if number % 3 != 0:
        lines.append(f"# later, at the end of {origin.name}\n")
    origin.write_text("".join(lines))


def test_an_edit_of_any_file_survives_or_is_a_named_conflict(source, project):
    hidden = "*.toml -diff\n*.yml binary\n"  # theirs, and no business of a merge
    shop = project("edited", theirs(**{".gitattributes": hidden, **REQUIREMENTS}))
    assert source.new(shop, **MODULE)[0] == 0
    commit(shop.path)
    files = origins(source)
    assert {".env", "deployment/behindproxy_serve/asgi.py", "docker-compose.yml"} <= files.keys()
    deleted = [
        "deploy/swarm/stack.yml",
        "deploy/observability/alerts.yml",
        "deployment/behindproxy/doctor/report.py",
    ]
    for name in deleted:
        (shop.path / name).unlink()
    edited = [name for name in [*files, ".copier-answers.yml"] if name not in deleted]
    for name in edited:
        path = shop.path / name
        lines = path.read_text().splitlines(keepends=True)
        for number in [len(lines) // 2] if lines else []:
            lines[number] = lines[number].rstrip("\n") + "  # ours, in the middle\n"
        path.write_text("".join(lines) + f"# ours: {name}\n")
    commit(shop.path, "our edits")

    before = git(source.path, "rev-parse", "HEAD")
    for number, origin in enumerate(sorted(set(files.values()))):
        later(source, number, origin)
    commit(source.path, "a later version")
    try:
        code, output = source.new(shop)
    finally:
        git(source.path, "reset", "--quiet", "--hard", before)
    conflicts = re.findall(r"(?m)^  conflict  (.*)$", output)
    lost = [
        name
        for name in edited
        if f"# ours: {name}" not in (text := (shop.path / name).read_text())
        or ("# ours, in the middle" not in text and not name.endswith(("__init__.py", "py.typed")))
    ]
    assert lost == [], output
    marked = [name for name in edited if "<<<<<<<" in (shop.path / name).read_text()]
    assert sorted(conflicts) == sorted(marked), output
    assert 10 < len(marked) < len(edited) - 10  # both kinds were there
    assert code == 2  # of make; 1 of its own
    for name in edited:
        if name not in (".env", ".copier-answers.yml"):
            text = (shop.path / name).read_text()
            assert "# later, " in text or f"{name} stays as it is" in output, name
    for name in deleted:
        assert not (shop.path / name).exists()
        assert f"{name} stays deleted" in output
    # Until each is resolved, git commits none.
    unmerged = git(shop.path, "diff", "--name-only", "--diff-filter=U").splitlines()
    assert sorted(unmerged) == sorted(marked)


def test_line_ends_of_theirs_stay(source, project):
    shop = project("crlf", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    routes = shop.path / "traefik" / "dynamic" / "routes.toml"
    routes.write_bytes(routes.read_bytes().replace(b"\n", b"\r\n") + b"# ours: caf\xe9\r\n")
    commit(shop.path)
    before = git(source.path, "rev-parse", "HEAD")
    origin = source.path / "traefik" / "dynamic" / "routes.toml"
    origin.write_text("# later\n" + origin.read_text())
    commit(source.path, "a later version")
    try:
        code, output = source.new(shop)
    finally:
        git(source.path, "reset", "--quiet", "--hard", before)
    assert code == 0, output
    data = routes.read_bytes()
    assert data.startswith(b"# later\r\n")
    assert data.endswith(b"# ours: caf\xe9\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_only_what_git_could_take_back_is_changed(source, project):
    shop = project("back", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    assert "changes that are not committed" in refusal(source, shop)
    commit(shop.path)
    git(shop.path, "rm", "--quiet", "--cached", ".copier-answers.yml")
    (shop.path / ".gitignore").write_text(".copier-answers.yml\n")
    commit(shop.path)
    assert ".copier-answers.yml is not committed" in refusal(source, shop)
    (shop.path / ".copier-answers.yml").write_text("nothing\n")
    git(shop.path, "add", "--force", ".copier-answers.yml")
    commit(shop.path)
    assert ".copier-answers.yml does not say from which version" in refusal(source, shop)


# Secrets


def test_nothing_asks_for_an_ignored_file_and_ci_runs_without_it(source, project):
    secret = "SECRET_KEY=not-for-git\n"
    shop = project("secret", theirs(**{".gitignore": ".env\n", ".env": secret, **REQUIREMENTS}))
    (shop.path / ".env").write_text(secret)
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert "--force" not in output
    assert "git add" not in output
    commit(shop.path, "deployment")
    assert ".env" not in git(shop.path, "ls-files").splitlines()

    clone = HOME / "secret-in-ci"
    git(HOME, "clone", "--quiet", str(shop.path), str(clone))
    assert not (clone / ".env").exists()
    link_environment(clone)
    workflow = yaml.safe_load((clone / ".github/workflows/deployment.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["verify"]["steps"] if "run" in step]
    environ = {
        **shop.environ,
        "CHECKS": "app.answers",
        "FAST": "1",
        "GITHUB_STEP_SUMMARY": str(clone / ".git" / "summary.md"),
    }
    ran = Project(clone, {}, "native", begin=False)
    ran.link_installed()
    try:
        for step in steps:
            done = subprocess.run(
                ["bash", "-e", "-c", step],
                cwd=clone,
                env=environ,
                text=True,
                capture_output=True,
                timeout=300,
            )
            assert done.returncode == 0, (step, done.stdout, done.stderr)
    finally:
        ran.make("down")
    assert "app.answers" in (clone / ".git" / "summary.md").read_text()
    assert "/shop/api" in (clone / ".git" / "summary.md").read_text()


# The application


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"src/shop/__init__.py": "", "src/shop/factory.py": FACTORY}, "shop.factory:create_app()"),
        (
            {"shop/web.py": FACTORY.replace(" -> FastAPI", "").replace("create_app", "build")},
            "shop.web:build()",
        ),
        ({"pyproject.toml": '[project]\nname = "shop"\n', "src/shop/__init__.py": ""}, "pyproject.toml"),
        ({"shop/asgi.py": "from litestar import Litestar\n\napp = Litestar([])\n"}, "shop.asgi:app"),
        (
            {
                "mysite/asgi.py": "from django.core.asgi import get_asgi_application\n\n"
                "application = get_asgi_application()\n"
            },
            "mysite.asgi:application",
        ),
        ({"package.json": "{}\n", "src/index.ts": "\n"}, "no Python file"),
        ({"notes.txt": "of mine\n"}, "no Python file"),
        ({"latin.py": "# -*- coding: nonsense -*-\n"}, "FastAPI("),
    ],
    ids=["factory", "function", "src", "litestar", "django", "javascript", "notes", "malformed"],
)
def test_a_project_whose_application_is_not_found_is_named_and_left(source, project, files, says):
    line = refusal(source, project("unfound", files))
    assert says in line
    assert "APP_MODULE" in line


@pytest.mark.parametrize(
    ("files", "module"),
    [
        ({"app/__init__.py": "", "app/main.py": APPLICATION}, "app.main:app"),
        (
            {
                "shop/factory.py": FACTORY,
                "shop/web.py": "from shop.factory import create_app\n\napp = create_app()\n",
            },
            "shop.web:app",
        ),
        (
            {
                "pyproject.toml": '[tool.fastapi]\nentrypoint = "shop.web:api"\n',
                "shop/web.py": "",
                "other.py": APPLICATION,
            },
            "shop.web:api",
        ),
        (
            {
                "src/shop/main.py": "import fastapi\n\ntry:\n    api: object = fastapi.FastAPI()\n"
                "except OSError:\n    raise\n"
            },
            "shop.main:api",
        ),
        ({"build/web.py": APPLICATION}, "build.web:app"),
    ],
    ids=["app.main", "from a factory", "tool.fastapi", "typed", "build"],
)
def test_an_application_is_found(source, project, files, module):
    shop = project("findable", files)
    code, output = source.new(shop)
    assert code == 0, output
    assert f"APP_MODULE={module}\n" in (shop.path / ".env").read_text()
    assert not (shop.path / "main.py").exists()


def test_of_two_applications_in_one_file_none_is_taken(source, project):
    line = refusal(source, project("both", {"web.py": APPLICATION + "\nadmin = FastAPI()\n"}))
    assert "APP_MODULE=web:admin, APP_MODULE=web:app" in line


def test_a_project_further_down_is_named_as_the_destination(source, project):
    shop = project("large", {"backend/app/main.py": APPLICATION, "backend/requirements.txt": "fastapi\n"})
    assert f"DEST={shop.path}/backend" in refusal(source, shop)


@pytest.mark.parametrize(
    "files",
    [{}, {"README.md": "# Shop\n", "LICENSE": "MIT\n", ".gitignore": ".venv\n", ".env": "A=b\n"}],
    ids=["empty", "readme"],
)
def test_a_starter_is_for_an_empty_folder(source, project, files):
    shop = project("fresh", files)
    code, output = source.new(shop)
    assert code == 0, output
    assert "main.py" in output
    assert "FastAPI()" in (shop.path / "main.py").read_text()


# What is there already


def test_a_folder_where_the_tools_would_write_is_noticed(source, project):
    shop = project("folder", theirs(**{".behindproxy/notes.txt": "mine\n"}))
    assert ".behindproxy" in refusal(source, shop, **MODULE)


def test_a_build_folder_of_theirs_is_neither_written_to_nor_hidden(source, project):
    shop = project("built", theirs(**{"build/index.html": "mine\n", **REQUIREMENTS}))
    assert source.new(shop, **MODULE)[0] == 0
    assert sorted(path.name for path in (shop.path / "build").iterdir()) == ["index.html"]
    assert "build" not in (shop.path / ".dockerignore").read_text().splitlines()
    (shop.path / "build" / "later.html").write_text("mine\n")
    assert "build/later.html" in git(shop.path, "status", "--porcelain", "--untracked-files=all")


def test_a_folder_deployment_of_theirs_is_in_the_image_and_in_diffs(source, project):
    shop = project("deploys", theirs(**{"deployment/prod.yaml": "mine\n", **REQUIREMENTS}))
    assert source.new(shop, **MODULE)[0] == 0
    assert "deployment/*" not in (shop.path / ".dockerignore").read_text().splitlines()
    assert "unspecified" in git(shop.path, "check-attr", "diff", "deployment/prod.yaml")
    assert "unspecified" in git(shop.path, "check-attr", "diff", "deployment/behindproxy_serve/asgi.py")


@pytest.mark.parametrize(
    "name", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.override.yml"]
)
def test_a_compose_file_of_theirs_beside_it_is_said_and_keeps_its_project(source, project, name):
    shop = project("composed", theirs(**{name: "services: {}\n", **REQUIREMENTS}))
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert len([line for line in lines_of(output) if f"! {name}" in line]) == 1
    assert (shop.path / name).read_text() == "services: {}\n"
    # Compose reads .env for their file too, whose containers it would then no longer know.
    assert "COMPOSE_PROJECT_NAME" not in (shop.path / ".env").read_text()


def test_a_compose_file_of_theirs_is_never_replaced(source, project):
    shop = project("compose", theirs(**{"docker-compose.yml": "services: {}\n", **REQUIREMENTS}))
    for overwrite in ("1", "0"):
        line = refusal(source, shop, OVERWRITE=overwrite, **MODULE)
        assert "docker-compose.yml" in line
        assert "compose.yaml" in line


def test_what_git_does_not_have_is_not_overwritten(source, project):
    shop = project("uncommitted", theirs(**{"Dockerfile": "FROM scratch\n", **REQUIREMENTS}))
    (shop.path / "Dockerfile").write_text("FROM scratch\n# not committed\n")
    assert "Dockerfile is not committed" in refusal(source, shop, OVERWRITE="1", **MODULE)
    (shop.path / ".gitignore").write_text("docker-compose.prod.yml\n")
    (shop.path / "docker-compose.prod.yml").write_text("mine\n")
    commit(shop.path)
    assert "docker-compose.prod.yml is not committed" in refusal(source, shop, OVERWRITE="1", **MODULE)
    (shop.path / "docker-compose.prod.yml").unlink()
    assert source.new(shop, OVERWRITE="1", **MODULE)[0] == 0
    assert "python:3" in (shop.path / "Dockerfile").read_text()


def test_it_is_the_destination_s_git_that_counts(source, project):
    """As in a hook of another repository, whose Dockerfile is committed."""
    other = project("hooked", {"Dockerfile": "FROM scratch\n"})
    shop = project("unhooked", theirs(**REQUIREMENTS))
    (shop.path / "Dockerfile").write_text("FROM scratch\n")
    own = source.environ
    source.environ = {
        **own,
        "GIT_DIR": str(other.path / ".git"),
        "GIT_INDEX_FILE": str(other.path / ".git" / "index"),
        "GIT_WORK_TREE": str(other.path),
    }
    try:
        assert "Dockerfile is not committed" in refusal(source, shop, OVERWRITE="1", **MODULE)
    finally:
        source.environ = own


def test_links_and_folders_of_theirs_are_not_written_through(source, project):
    shop = project("links", theirs(**REQUIREMENTS))
    outside = HOME / "outside"
    outside.mkdir(exist_ok=True)
    places = {"Dockerfile": "link", "traefik": "link", "docker-compose.prod.yml": "folder", "deploy": "file"}
    for name, kind in places.items():
        path = shop.path / name
        if kind == "link":
            path.symlink_to(outside / name)  # to nothing
        elif kind == "folder":
            (path / "inside").mkdir(parents=True)
        else:
            path.write_text("mine\n")
        commit(shop.path)
        assert f"{name} is a {kind}" in refusal(source, shop, OVERWRITE="1", **MODULE)
        if kind == "folder":
            (path / "inside").rmdir()
            path.rmdir()
        else:
            path.unlink()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "written",
    [
        b'CURRENCY=EUR\r\nNAME="two\r\nlines"\r\nLAST=1',
        b"\xef\xbb\xbfCURRENCY=EUR\n\n\n",
        b"# caf\xe9\nCURRENCY=EUR\n",
        b"export API_PREFIX=/theirs\nAPP_MODULE: their.module:app\n",
    ],
    ids=["crlf", "bom", "latin-1", "set"],
)
def test_lines_are_added_to_an_env_of_theirs_and_nothing_else_changes(source, project, written):
    shop = project("dotenv", theirs(**REQUIREMENTS))
    env = shop.path / ".env"
    env.write_bytes(written)
    env.chmod(0o640)
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    data = env.read_bytes()
    assert data.startswith(written)
    assert env.stat().st_mode & 0o777 == 0o640
    added = data[len(written) :].decode()
    assert "COMPOSE_PROJECT_NAME" not in added
    if b"API_PREFIX" in written:
        assert added == ""
        assert "! .env says API_PREFIX=/theirs" in output
        return
    end = "\r\n" if b"\r\n" in written else "\n"
    assert added.count("\n") == added.count(end)
    assert added.startswith(end) or written.endswith(b"\n")
    assert f"API_PREFIX=/shop/api{end}APP_MODULE=their.module:app{end}" in added


@pytest.mark.parametrize("kind", ["link", "read-only", "malformed"])
def test_an_env_that_is_not_to_be_written_is_named_with_the_lines(source, project, kind):
    shop = project("sealed", theirs(**REQUIREMENTS))
    secrets = HOME / "secrets.env"
    secrets.write_text("CURRENCY=EUR\n" if kind != "malformed" else 'CURRENCY="EUR\n')
    if kind == "link":
        (shop.path / ".env").symlink_to(secrets)
    else:
        (shop.path / ".env").write_text(secrets.read_text())
        (shop.path / ".env").chmod(0o444 if kind == "read-only" else 0o644)
    before = (shop.path / ".env").read_bytes()
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert (shop.path / ".env").read_bytes() == before
    assert secrets.read_bytes() == before
    line = next(line for line in lines_of(output) if line.startswith("! .env"))
    assert "add API_PREFIX=/shop/api" in line


@pytest.mark.parametrize("name", ["makefile", "GNUmakefile", "Makefile"])
def test_make_goes_on_to_read_their_own_makefile(source, project, name):
    shop = project("makes", theirs(**{name: "test:\n\ttrue\n", **REQUIREMENTS}))
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert [path.name for path in shop.path.glob("*akefile")] == [name]
    assert (shop.path / name).read_text() == "test:\n\ttrue\n"
    assert f"! {name} was there" in output
    assert "make -f deployment/behindproxy/make/targets.mk verify" in output


def test_other_files_of_theirs_stay_and_are_said(source, project):
    own = {".dockerignore": "*.log\r\n", ".env.example": "SECRET_KEY=\r\n"}
    shop = project("own", theirs(**REQUIREMENTS))
    for name, text in own.items():
        (shop.path / name).write_bytes(text.encode())
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    for name, text in own.items():
        assert (shop.path / name).read_bytes() == text.encode()
    assert "! .dockerignore was there, and stays as it is: add .env, .behindproxy" in output
    assert "! .env.example was there" in output


def test_a_folder_of_a_larger_repository(source, project):
    """backend/ with what a real one has; its siblings have changes that are not committed."""
    shop = project(
        "mono",
        {
            "backend/app/main.py": APPLICATION,
            "backend/requirements.txt": "fastapi\n",
            "backend/Makefile": "test:\n\ttrue\n",
            "compose.yaml": "services: {}\n",
            "backend/compose.yaml": "services: {}\n",
            ".gitignore": ".env\n",
            "web/index.ts": "\n",
        },
    )
    backend = shop.path / "backend"
    (backend / ".env").write_text("SECRET_KEY=not-for-git")
    (shop.path / "web" / "index.ts").write_text("// in progress\n")
    before = {name: data for name, data in contents(shop.path).items() if data is not None}
    code, output = source.make("new", DEST=backend)
    assert code == 0, output
    after = contents(shop.path)
    assert {n for n, data in before.items() if after[n] != data} == {"backend/.env"}
    assert {name.split("/")[0] for name in after.keys() - before.keys()} <= {"backend", "web"}
    assert (backend / ".env").read_text().startswith("SECRET_KEY=not-for-git\n")
    assert "APP_MODULE=app.main:app" in (backend / ".env").read_text()
    assert "! GitHub runs workflows from the repository's own .github/ alone" in output
    git(shop.path, "add", "backend")
    git(shop.path, "commit", "--quiet", "--message", "deployment")
    code, output = source.make("new", DEST=backend)
    assert "has everything already" in output, output
    (backend / "docker-compose.yml").write_text("# ours\n")
    git(shop.path, "commit", "--quiet", "--all", "--message", "ours")

    head = git(source.path, "rev-parse", "HEAD")
    origin = source.path / "docker-compose.yml"
    origin.write_text(origin.read_text().replace("The whole stack", "A whole stack"))
    commit(source.path, "a later version")
    try:
        code, output = source.make("new", DEST=backend)
    finally:
        git(source.path, "reset", "--quiet", "--hard", head)
    assert "  conflict  docker-compose.yml" in output
    assert "UU backend/docker-compose.yml" in git(shop.path, "status", "--porcelain")
    text = (backend / "docker-compose.yml").read_text()
    assert "# ours" in text
    assert "A whole stack" in text
    assert (shop.path / "web" / "index.ts").read_text() == "// in progress\n"


# Cut off


def test_a_copy_that_was_cut_off_is_completed(source, project):
    """As after a kill -9: what says that the copy is whole is written last."""
    shop = project("half", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    whole = contents(shop.path)
    for name in sorted(whole)[:20]:
        if whole[name] is not None and name.startswith(
            (".copier", "deployment/behindproxy/doctor", "Dockerfile")
        ):
            (shop.path / name).unlink()
    assert not (shop.path / ".copier-answers.yml").exists()
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert contents(shop.path) == whole


def test_what_an_earlier_copy_shares_with_theirs_is_said(source, project):
    shop = project("earlier", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    env = shop.path / ".env"
    env.write_text(env.read_text() + "COMPOSE_PROJECT_NAME=earlier\n")
    (shop.path / ".dockerignore").write_text("build\n")
    commit(shop.path)
    before = git(source.path, "rev-parse", "HEAD")
    for name in ("docker-compose.yml", "src/behindproxy/template/.dockerignore"):
        origin = source.path / name
        origin.write_text("# later\n" + origin.read_text())
    commit(source.path, "a later version")
    try:
        code, output = source.new(shop)
    finally:
        git(source.path, "reset", "--quiet", "--hard", before)
    assert code == 0, output
    assert "! .env says COMPOSE_PROJECT_NAME=earlier, " in output
    assert "COMPOSE_PROJECT_NAME=earlier\n" in env.read_text()
    assert "! .dockerignore was there, and stays as it is: add .env, .behindproxy" in output
