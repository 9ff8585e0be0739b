"""`behindproxy new` overwrites nothing of a person's and hides nothing of it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from .projects import APPLICATION, HOME, Project, commit, git, later, later_tool, theirs

MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop/api"}
FACTORY = """from fastapi import FastAPI


def create_app() -> FastAPI:
    app = FastAPI()
    return app
"""
REQUIREMENTS = {"requirements.txt": "fastapi\n"}


def refusal(source, project: Project, **settings: str) -> str:
    """The one line with which it ends; nothing was written."""
    before = contents(project.path)
    code, output = source.new(project, **settings)
    assert code == 2, output
    assert len(output.splitlines()) == 1, output
    assert contents(project.path) == before
    return output


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


def touched(tool, version: str):
    """A later version that has changed every file of a copy: far from an edit at the end in one, near it in
    the next, and both in the third."""
    names = sorted(
        str(path.relative_to(tool.path))
        for pattern in (
            "src/behindproxy/template/**/*",
            "docker-compose*.yml",
            "deploy/swarm/*",
            "traefik/**/*",
            "requirements/verify.txt",
        )
        for path in tool.path.glob(pattern)
        if path.is_file()
    )

    def edit(path: Path) -> None:
        number = names.index(str(path.relative_to(HOME / f"source-{version}")))
        lines = path.read_text().splitlines(keepends=True)
        if path.suffix == ".json":  # it has no comments
            path.write_text(
                "".join([lines[0], f'  "# of {version}, ": "below the first line",\n', *lines[1:]])
            )
            return
        if number % 3 != 1:
            lines.insert(1, f"# of {version}, below the first line\n")
        if number % 3 != 0:
            lines.append(f"# of {version}, at the end\n")
        path.write_text("".join(lines))

    return later_tool(tool, version, dict.fromkeys(names, edit))


def test_an_edit_of_any_file_survives_two_versions_or_is_a_named_conflict(source, project):
    hidden = "*.toml -diff\n*.yml binary\n"  # theirs, and no business of a merge
    shop = project("edited", theirs(**{".gitattributes": hidden, **REQUIREMENTS}))
    code, output = source.new(shop, WITH="swarm", **MODULE)
    assert code == 0, output
    files = git(shop.path, "ls-files", "--others").splitlines()
    commit(shop.path)
    deleted = ["deploy/swarm/stack.yml"]
    edits = [name for name in files if name not in deleted and not name.endswith(".whl")]
    assert {"deployment/tool.lock", "deployment/behindproxy.toml", "Makefile", ".env"} <= set(edits)
    assert ".github/renovate.json" in edits
    (shop.path / deleted[0]).unlink()
    for name in edits:
        path = shop.path / name
        lines = path.read_text().splitlines(keepends=True)
        if path.suffix == ".json":
            last = f',\n  "# ours: {name}": "# ours, in the middle"\n}}\n'
            path.write_text("".join(lines).removesuffix("\n}\n") + last)
            continue
        middle = len(lines) // 2
        lines[middle] = lines[middle].rstrip("\n") + "  # ours, in the middle\n"
        path.write_text("".join(lines) + f"# ours: {name}\n")
    commit(shop.path, "our edits")
    kinds = set()
    tool = source
    for version in ("0.2.0", "0.3.0"):
        tool = touched(tool, version)
        code, output = tool.run("update", shop.path)
        marked = [name for name in edits if "<<<<<<<" in (shop.path / name).read_text()]
        assert sorted(re.findall(r"(?m)^  conflict  (.*)$", output)) == sorted(marked), output
        assert code == (1 if marked else 0), output
        # Until each is resolved, git commits none.
        unmerged = git(shop.path, "diff", "--name-only", "--diff-filter=U").splitlines()
        assert sorted(unmerged) == sorted(marked)
        for name in edits:
            text = (shop.path / name).read_text()
            assert f"# ours: {name}" in text and "# ours, in the middle" in text, name
            if name not in (".env", "deployment/behindproxy.toml"):
                assert f"# of {version}, " in text or f"{name} stays as it is" in output, name
                kinds.add(name in marked)
        for name in deleted:
            assert not (shop.path / name).exists()
            assert f"{name} stays deleted" in output
        for name in marked:  # a person takes both sides
            path = shop.path / name
            path.write_text(re.sub(r"(?m)^(<<<<<<<|=======|>>>>>>>).*\n", "", path.read_text()))
        commit(shop.path, "resolved")
    assert kinds == {True, False}  # both were there


def test_line_ends_of_theirs_stay(source, project):
    shop = project("crlf", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    routes = shop.path / "traefik" / "dynamic" / "routes.toml"
    routes.write_bytes(routes.read_bytes().replace(b"\n", b"\r\n") + b"# ours: caf\xe9\r\n")
    commit(shop.path)
    first = (source.path / "traefik" / "dynamic" / "routes.toml").read_text().splitlines()[0]
    tool = later(source, "0.2.0", {"traefik/dynamic/routes.toml": (f"{first}\n", f"# later\n{first}\n")})
    code, output = tool.run("update", shop.path)
    assert code == 0, output
    data = routes.read_bytes()
    assert data.startswith(b"# later\r\n")
    assert data.endswith(b"# ours: caf\xe9\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_only_what_git_could_take_back_is_changed(source, project):
    shop = project("back", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    tool = later(source, "0.2.0", {})

    def refused() -> str:
        before = contents(shop.path)
        code, output = tool.run("update", shop.path)
        assert code == 2 and len(output.splitlines()) == 1, output
        assert contents(shop.path) == before
        return output

    assert "changes that are not committed" in refused()
    commit(shop.path)
    wheel = shop.path / "deployment" / "behindproxy-0.1.0-py3-none-any.whl"
    data = wheel.read_bytes()
    wheel.write_bytes(data + b"\n")
    assert "is not the wheel that deployment/tool.lock names" in refused()
    wheel.write_bytes(data)
    record = shop.path / "deployment" / "behindproxy.toml"
    git(shop.path, "rm", "--quiet", "--cached", "deployment/tool.lock")
    (shop.path / ".gitignore").write_text("deployment/tool.lock\n")
    commit(shop.path)
    assert "not committed: deployment/tool.lock" in refused()
    record.write_text("nothing\n")
    assert "does not say what the copy was made with" in refused()
    record.unlink()
    assert "has no deployment/behindproxy.toml" in refused()


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
    source.link(clone)
    workflow = yaml.safe_load((clone / ".github/workflows/behindproxy.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["verify"]["steps"] if "run" in step]
    environ = {
        **shop.environ,
        "CHECKS": "app.answers",
        "FAST": "1",
        "GITHUB_STEP_SUMMARY": str(clone / ".git" / "summary.md"),
    }
    copy = Project(clone, {}, "native", begin=False)
    copy.link_installed()
    try:
        for step in steps:
            process = subprocess.run(
                ["bash", "-e", "-c", step],
                cwd=clone,
                env=environ,
                text=True,
                capture_output=True,
                timeout=300,
            )
            assert process.returncode == 0, (step, process.stdout, process.stderr)
    finally:
        copy.make("down")
    assert "app.answers" in (clone / ".git" / "summary.md").read_text()
    assert "/shop/api" in (clone / ".git" / "summary.md").read_text()


# The application


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"shop/web.py": FACTORY.replace("create_app()", "build(settings)")},
            "shop.web:build (a function that needs arguments",
        ),
        (
            {"shop/web.py": FACTORY, "shop/admin.py": FACTORY},
            "APP_MODULE=shop.admin:create_app, APP_MODULE=shop.web:create_app",
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
    ids=["function", "two factories", "src", "litestar", "django", "javascript", "notes", "malformed"],
)
def test_a_project_whose_application_is_not_found_is_named_and_left(source, project, files, says):
    line = refusal(source, project("unfound", files))
    assert says in line
    assert "APP_MODULE" in line


@pytest.mark.parametrize(
    ("files", "module"),
    [
        ({"app/__init__.py": "", "app/main.py": APPLICATION}, "app.main:app"),
        ({"src/shop/__init__.py": "", "src/shop/factory.py": FACTORY}, "shop.factory:create_app"),
        (
            {"shop/web.py": FACTORY.replace(" -> FastAPI", "").replace("create_app()", "build(debug=False)")},
            "shop.web:build",
        ),
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
    ids=["app.main", "factory", "function", "from a factory", "tool.fastapi", "typed", "build"],
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
    (shop.path / "build" / "later.html").write_text("mine\n")
    assert "build/later.html" in git(shop.path, "status", "--porcelain", "--untracked-files=all")


def test_a_folder_deployment_of_theirs_stays_and_is_in_diffs(source, project):
    shop = project("deploys", theirs(**{"deployment/prod.yaml": "mine\n", **REQUIREMENTS}))
    assert source.new(shop, **MODULE)[0] == 0
    assert (shop.path / "deployment" / "prod.yaml").read_text() == "mine\n"
    assert "unspecified" in git(shop.path, "check-attr", "diff", "deployment/prod.yaml")
    other = project("taken", theirs(**{"deployment/tool.lock": "mine\n", **REQUIREMENTS}))
    assert "deployment/tool.lock is there already" in refusal(source, other, **MODULE)


@pytest.mark.parametrize(
    "name",
    [
        "compose.yaml",
        "compose.yml",
        "docker-compose.yaml",
        "docker-compose.yml",
        "docker-compose.override.yml",
    ],
)
def test_plain_compose_goes_on_reading_their_file_alone(source, project, name):
    shop = project("composed", theirs(**{name: "services: {}\n", **REQUIREMENTS}))
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert f"! {name} existed and was not changed" in output
    assert (shop.path / name).read_text() == "services: {}\n"
    assert [path.name for path in shop.path.glob("*compose*")] == [name]
    ours = (shop.path / "deployment" / "docker-compose.yml").read_text()
    assert "${API_PREFIX:-/shop/api}" in ours and "${APP_MODULE:-their.module:app}" in ours
    assert "/api/v1" not in ours.replace("/shop/api", "") and "app.main" not in ours
    # Compose reads .env for their file too, whose containers it would then no longer know.
    assert "COMPOSE_PROJECT_NAME" not in (shop.path / ".env").read_text()


def test_an_image_of_theirs_has_what_it_had(source, project):
    """A .dockerignore that allows would leave theirs empty."""
    shop = project("images", theirs(**{"Dockerfile": "FROM scratch\n", **REQUIREMENTS}))
    assert source.new(shop, **MODULE)[0] == 0
    assert not (shop.path / ".dockerignore").exists()
    ours = (shop.path / "deployment" / "Dockerfile.dockerignore").read_text().splitlines()
    assert ours[1:3] == ["*", "!their"]
    assert (shop.path / "Dockerfile").read_text() == "FROM scratch\n"


def test_a_dockerignore_of_theirs_that_allows_is_told_what_to_allow(source, project):
    shop = project("allowing", theirs(**{".dockerignore": "# ours\n*\n!their\n", **REQUIREMENTS}))
    code, output = source.new(shop, **MODULE)
    assert code == 0 and "must allow what Dockerfile.dockerignore allows" in output, output
    assert "!deployment/behindproxy_serve-*.whl" in output, output


def test_the_image_of_a_package_has_what_builds_it(source, project):
    build = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    files = {"README.md": "# x\n", "requirements.in": "fastapi\n", "pyproject.toml": build}
    shop = project("package", theirs(**files))
    assert source.new(shop, **MODULE)[0] == 0
    ours = (shop.path / ".dockerignore").read_text().splitlines()
    assert {"!README.md", "!requirements.in", "!their"} <= set(ours)


def test_the_env_file_of_their_compose_file_is_read(source, project):
    compose = (
        "services:\n  web:\n    build: .\n"
        "    env_file: [.env, config/app.env, {path: gone.env, required: false}]\n"
        "  db:\n    image: postgres:18\n    env_file: db.env\n"
    )
    files = {"compose.yaml": compose, "config/app.env": "CURRENCY=EUR\n", "db.env": "A=1\n", **REQUIREMENTS}
    shop = project("env-file", theirs(**files))
    assert source.new(shop, **MODULE)[0] == 0
    assert "APP_ENV_FILE=config/app.env\n" in (shop.path / ".env").read_text()


def test_links_and_folders_of_theirs_are_not_written_through(source, project):
    outside = HOME / "outside"
    outside.mkdir(exist_ok=True)
    places = {"Dockerfile": "link", "traefik": "link", "docker-compose.replicas.yml": "folder"}
    for name, kind in places.items():
        shop = project(f"links-{name.lower()}", theirs(**REQUIREMENTS))
        path = shop.path / name
        if kind == "link":
            path.symlink_to(outside / name)  # to nothing
        else:
            (path / "inside").mkdir(parents=True)
        code, output = source.new(shop, **MODULE)
        assert code == 0, output
        assert (shop.path / "deployment" / "Dockerfile").is_file()
        assert path.is_symlink() if kind == "link" else list(path.iterdir()) == [path / "inside"]
    (shop.path / "link").symlink_to(outside)
    other = project("links-deployment", theirs(**REQUIREMENTS))
    (other.path / "deployment").symlink_to(outside)
    assert "deployment is a link" in refusal(source, other, **MODULE)
    assert list(outside.iterdir()) == []


def test_it_is_the_destination_s_git_that_counts(source, project):
    """As in a hook of another repository."""
    other = project("hooked", {"README.md": "theirs\n"})
    shop = project("unhooked", theirs(**REQUIREMENTS))
    hook = {"GIT_DIR": other.path / ".git", "GIT_WORK_TREE": other.path}
    assert source.new(shop, **hook, **MODULE)[0] == 0
    assert (shop.path / ".github").exists() and not (other.path / ".github").exists()


@pytest.mark.parametrize(
    "content",
    [
        b'CURRENCY=EUR\r\nNAME="two\r\nlines"\r\nLAST=1',
        b"\xef\xbb\xbfCURRENCY=EUR\n\n\n",
        b"# caf\xe9\nCURRENCY=EUR\n",
        b"export API_PREFIX=/theirs\nAPP_MODULE: their.module:app\n",
    ],
    ids=["crlf", "bom", "latin-1", "set"],
)
def test_an_env_of_theirs_is_not_changed(source, project, content):
    shop = project("dotenv", theirs(**REQUIREMENTS))
    env = shop.path / ".env"
    env.write_bytes(content)
    env.chmod(0o640)
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert env.read_bytes() == content and env.stat().st_mode & 0o777 == 0o640
    if b"API_PREFIX" in content:
        assert "! .env says API_PREFIX=/theirs" in output
    else:
        warning = (
            "! .env existed and was not changed: without a line there, API_PREFIX=/shop/api, APP_MODULE="
        )
        assert warning in output


def test_what_an_env_of_theirs_does_not_say_is_the_copy_s_default(source, project):
    shop = project("defaults", theirs(**{".env": "CURRENCY=EUR\n", **REQUIREMENTS}))
    assert source.new(shop, **MODULE)[0] == 0
    source.link(shop.home)
    try:
        assert "/shop/api" in shop.must("up")
        behindproxy = shop.path / ".behindproxy/venv/bin/behindproxy"
        present = subprocess.run(
            [behindproxy, "settings"],
            cwd=shop.path,
            env=shop.environ,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        assert re.search(r"(?m)^API_PREFIX=/shop/api +deployment/behindproxy\.toml$", present), present
        # A setting there goes before it.
        (shop.path / ".env").write_text("CURRENCY=EUR\nAPI_PREFIX=/other\n")
        output = shop.must("up")
        assert "/other" in output and "/shop/api" not in output, output
    finally:
        shop.make("down")


@pytest.mark.parametrize("kind", ["link", "read-only", "malformed"])
def test_an_env_that_cannot_be_written_or_read_is_no_obstacle(source, project, kind):
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
    line = next(line for line in output.splitlines() if line.startswith("! .env"))
    assert ("cannot be read" if kind == "malformed" else "API_PREFIX=/shop/api") in line


@pytest.mark.parametrize("name", ["makefile", "GNUmakefile", "Makefile"])
def test_make_goes_on_to_read_their_own_makefile(source, project, name):
    shop = project("makes", theirs(**{name: "test:\n\ttrue\n", **REQUIREMENTS}))
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert [path.name for path in shop.path.glob("*akefile")] == [name]
    assert (shop.path / name).read_text() == "test:\n\ttrue\n"
    assert f"! {name} existed and was not changed" in output
    assert "make -f deployment/Makefile verify" in output


def test_a_folder_of_a_larger_repository(source, project):
    """backend/ with what a real one has; its siblings have changes that are not committed."""
    shop = project(
        "mono",
        {
            "backend/app/main.py": APPLICATION,
            "backend/requirements.txt": "fastapi\n",
            "backend/Makefile": "test:\n\ttrue\n",
            "compose.yaml": "services: {}\n",
            "Makefile": "up:\n\techo theirs\n",
            ".env": "API_PREFIX=/of-another\n",
            ".gitignore": "backend/.env\n",
            "web/index.ts": "\n",
        },
        "backend",
    )
    (shop.home / ".env").write_text("SECRET_KEY=not-for-git")
    (shop.path / "web" / "index.ts").write_text("// in progress\n")
    before = {name: data for name, data in contents(shop.path).items() if data is not None}
    code, output = source.new(shop, API_PREFIX="/shop/api")
    assert code == 0, output
    after = contents(shop.path)
    assert all(after[n] == data for n, data in before.items())
    new = {name for name, data in after.items() if data is not None} - before.keys()
    assert {name.split("/")[0] for name in new} == {"backend", ".github"}
    assert (shop.home / ".env").read_text() == "SECRET_KEY=not-for-git"
    workflow = yaml.safe_load((shop.path / ".github/workflows/behindproxy.yml").read_text())
    assert workflow["defaults"] == {"run": {"working-directory": "backend"}}
    moved = yaml.safe_load((shop.path / ".github/dependabot.yml").read_text())["updates"]
    assert [one["directory"] for one in moved] == ["/", "/backend", "/backend"]
    commit(shop.path, "deployment")
    assert "has everything already" in source.run("update", shop.home)[1]
    # From both places: there by make, and from the repository's own folder by the command.
    code, output = shop.verify(source, CHECKS="app.answers")
    assert code == 0, output
    processes = [
        subprocess.run(
            [str(source.venv / "bin" / "behindproxy"), "ps"],
            cwd=folder,
            env=shop.environ,
            text=True,
            capture_output=True,
        )
        for folder in (shop.path, shop.home, shop.home / "app")
    ]
    assert [one.returncode for one in processes] == [0, 0, 0], processes
    shop.must("down")
    (shop.home / "docker-compose.yml").write_text("# ours\n")
    git(shop.path, "commit", "--quiet", "--all", "--message", "ours")
    text = ("# Traefik and the app", "# The app and Traefik")
    tool = later(source, "0.2.0", {"docker-compose.yml": text})
    code, output = tool.run("update", shop.home)
    assert "  conflict  backend/docker-compose.yml" in output
    assert "UU backend/docker-compose.yml" in git(shop.path, "status", "--porcelain")
    text = (shop.home / "docker-compose.yml").read_text()
    assert "# ours" in text
    assert "# The app and Traefik" in text


# Cut off


def test_a_copy_that_was_cut_off_is_completed(source, project):
    """As after a kill -9: what says that the copy is whole is written last."""
    shop = project("half", theirs(**REQUIREMENTS))
    assert source.new(shop, **MODULE)[0] == 0
    whole = contents(shop.path)
    for name in ("deployment/behindproxy.toml", "Dockerfile", ".dockerignore", "traefik/dynamic/routes.toml"):
        (shop.path / name).unlink()
    code, output = source.new(shop, **MODULE)
    assert code == 0, output
    assert contents(shop.path) == whole


def test_a_copy_of_a_version_without_wheels_is_named(source, project):
    old = {
        ".copier-answers.yml": "_commit: 1\n",
        "deployment/behindproxy/cli.py": "",
        "Dockerfile": "FROM x\n",
    }
    line = refusal(source, project("old", theirs(**old)), **MODULE)
    assert "has its tools in deployment/behindproxy/" in line
    assert "git rm -r .copier-answers.yml" in line
