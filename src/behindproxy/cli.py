"""The `behindproxy` command. Each command imports what it runs when it is called: so each starts fast."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from . import __version__

Command = TypeVar("Command", bound=Callable[..., None])
PROGRAM = "behindproxy"
COMPLETE = "_BEHINDPROXY_COMPLETE"
FULL = "; df -h . shows how full the disk is; then run the command again"


class Grouped(click.Group):
    """A group whose help lists its commands under headings, in the order in which they are declared."""

    headings: dict[str, list[str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # click's own: nobody reads any more
        except KeyboardInterrupt:
            sys.exit(130)  # click's own is 1, as for findings
        except SystemExit as end:
            if isinstance(end.code, str):
                from .stack.paths import PLACES

                raise SystemExit(PLACES.named(end.code)) from None
            raise
        except OSError as error:  # a full disk, a folder that may not be written, a file that is gone
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}{FULL if error.errno == errno.ENOSPC else ''}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in self.headings.items():
            with formatter.section(heading):  # a whole sentence each, which wraps
                formatter.write_dl([(name, self.commands[name].get_short_help_str(1000)) for name in names])


@click.group(cls=Grouped, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Run a FastAPI application behind a proxy that strips a path prefix, and check such deployments.

    Settings come from the environment, then from .env next to docker-compose.yml. Exit status: 0 success, 1
    failed checks, errors found or a refusal, 2 could not run.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # In order with what subprocesses print; an encoding that lacks a ✓ stops no command.
        sys.stdout.reconfigure(line_buffering=True, errors="replace")


def under(heading: str, name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Declare the command `name` below `heading`."""
    Grouped.headings.setdefault(heading, []).append(name)

    def add(function: Callable[..., None]) -> click.Command:
        command = main.command(name)(function)
        for option in command.params:
            if isinstance(option, click.Option):
                option.show_envvar = True  # by which make gives it
        return command

    return add


def runtime_option(command: Command) -> Command:
    """Add --runtime, which the stack reads as RUNTIME."""

    def force(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value:
            os.environ["RUNTIME"] = value

    option = click.option(
        "--runtime",
        type=click.Choice(["docker", "native"]),
        callback=force,
        expose_value=False,
        help="Where the stack runs. Default: Docker, if an engine answers.",
    )
    return option(command)


def fail(reason: str) -> NoReturn:
    """Print why it could not run, and exit with status 2."""
    from .stack.paths import PLACES

    click.echo(PLACES.named(reason), err=True)
    sys.exit(2)


@contextmanager
def reasons_are_status_2() -> Iterator[None]:
    """Exit with status 2 where the reason is raised as SystemExit, whose own status for a text is 1."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.code, str):
            fail(end.code)
        raise


def stack(name: str) -> None:
    """Run a command of the stack and exit with its status."""
    from .stack.paths import MISSING

    if MISSING:
        fail(MISSING)
    from .stack.commands import run

    sys.exit(run(name))


@under("Run", "up")
@runtime_option
def up() -> None:
    """Start the stack, wait until it is healthy, and print the URLs."""
    stack("up")


@under("Run", "dev")
@runtime_option
def dev() -> None:
    """Start the stack with reload on change and follow the logs, until Ctrl-C."""
    stack("dev")


@under("Run", "down")
def down() -> None:
    """Stop and remove what up started."""
    stack("down")


@under("Run", "restart")
@runtime_option
def restart() -> None:
    """Run down, then up; stop nothing if up would be refused."""
    stack("restart")


@under("Run", "ps")
def ps() -> None:
    """Show the state of each part; exit 0 only if all are healthy."""
    stack("ps")


@under("Run", "logs")
@click.option(
    "--follow/--no-follow",
    envvar="FOLLOW",
    default=True,
    help=("Follow them until Ctrl-C (the default), or print them once."),
)
def logs(follow: bool) -> None:
    """Show the logs of Traefik and the application."""
    os.environ["FOLLOW"] = "1" if follow else "0"
    stack("logs")


@under("Run", "deploy")
@click.option("--image", envvar="IMAGE", metavar="NAME", help="Pull this image instead of building one.")
def deploy(image: str | None) -> None:
    """Deploy the current source, or an image, replica by replica (Docker)."""
    if image:
        os.environ |= {"APP_IMAGE": image, "IMAGE": image}
    stack("deploy")


@under("Run", "rollback")
def rollback() -> None:
    """Return to the previous version, replica by replica (Docker)."""
    stack("rollback")


@under("Run", "clean")
def clean() -> None:
    """Run down, then remove the environment, the images and all other generated files."""
    stack("clean")


@under("Several machines", "swarm-deploy")
def swarm_deploy() -> None:
    """Deploy the stack on a Docker Swarm, or apply the current settings there."""
    stack("swarm-deploy")


@under("Several machines", "swarm-ps")
def swarm_ps() -> None:
    """Show the swarm's services, tasks and nodes; exit 0 only if all are healthy."""
    stack("swarm-ps")


@under("Several machines", "swarm-rm")
def swarm_rm() -> None:
    """Remove the stack from the swarm."""
    stack("swarm-rm")


def target_options(command: Command) -> Command:
    """Add the options that name a deployment."""
    for option in reversed(
        [
            click.argument("url", envvar="PROXY_URL", default="", metavar="[URL]"),
            click.option(
                "--tls-url",
                envvar="TLS_URL",
                default="",
                metavar="URL",
                help="The public https URL, if URL is http.",
            ),
            click.option(
                "--direct",
                "direct_url",
                envvar="DIRECT_URL",
                default="",
                metavar="URL",
                help="The direct URL of the application server, without the prefix.",
            ),
            click.option(
                "--ca",
                "ca_file",
                type=click.Path(),
                envvar="CA_FILE",
                default="",
                metavar="FILE",
                help="File with the CA certificate for https. Default: the system's.",
            ),
            click.option(
                "--path",
                "answers",
                envvar="ANSWERS",
                multiple=True,
                metavar="PATH",
                help="A path of the application that accepts GET, without the prefix; may be repeated.",
            ),
            click.option(
                "--strip-prefix",
                type=click.Choice(["auto", "true", "false"]),
                envvar="STRIP_PREFIX",
                default="auto",
                show_default=True,
                help="Whether the proxy strips the prefix; auto detects it.",
            ),
            runtime_option,
        ]
    ):
        command = option(command)
    return command


@under("Check", "verify")
@target_options
@click.option(
    "--protected",
    envvar="PROTECTED",
    default="",
    metavar="PATH",
    help="A path that the proxy protects, without the prefix.",
)
@click.option(
    "--user",
    "protected_user",
    envvar="PROTECTED_USER",
    default="",
    metavar="USER:PASSWORD",
    help="Credentials (HTTP Basic) for the protected path.",
)
@click.option(
    "--proxy",
    type=click.Choice(["auto", "traefik", "nginx", "caddy", "haproxy", "kubernetes"]),
    default="auto",
    show_default=True,
    help="Suggest fixes for this proxy.",
)
@click.option(
    "--server",
    type=click.Choice(["auto", "uvicorn", "fastapi", "gunicorn", "hypercorn"]),
    default="auto",
    show_default=True,
    help="Suggest fixes for this application server.",
)
@click.option(
    "--openapi",
    envvar="OPENAPI",
    default="",
    metavar="PATH|FILE",
    help=(
        "The schema's path, or a file with the schema, if the application does not serve it under a "
        "usual path."
    ),
)
@click.option(
    "--websocket",
    "websockets",
    envvar="WEBSOCKETS",
    multiple=True,
    metavar="PATH",
    help="A WebSocket path of the application, without the prefix; may be repeated.",
)
@click.option(
    "--stream",
    "streams",
    envvar="STREAMS",
    multiple=True,
    metavar="PATH",
    help="The path of a stream of server-sent events, without the prefix; may be repeated.",
)
@click.option(
    "--accept",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ACCEPT",
    metavar="FILE",
    help="A file with failures to accept, each with a reason. Default: behindproxy.toml, if it exists.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["broken", "exposed", "hardening"]),
    envvar="FAIL_ON",
    help=(
        "Lowest level at which a failure fails the run, from broken (highest) to hardening. Default: "
        "exposed; hardening for the demonstration."
    ),
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["text", "json", "junit", "html", "md", "sarif"]),
    multiple=True,
    help="The format of a report to write; may be repeated. Default: all but sarif.",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Show the matrix of all checks and every failure in full."
)
@click.option(
    "--only",
    envvar="CHECKS",
    default="",
    metavar="PATTERN",
    help=(
        "Ids of the checks to run, separated by commas: trust.*, or redirect for a group; !fuzz.* "
        "excludes some."
    ),
)
@click.option("--fast", envvar="FAST", is_flag=True, help="Skip the browser checks and generated requests.")
@click.option(
    "--unsafe",
    envvar="UNSAFE",
    is_flag=True,
    help="Also send a third-party application methods other than GET, bodies and malformed requests.",
)
@click.option(
    "--max-seconds",
    envvar="MAX_SECONDS",
    type=click.IntRange(0),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="How long the run may take; checks left after that are errors. 0 is no limit.",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where report.json, .html, .md and .xml are written. Default: behindproxy-report/; in a clone "
    "build/verify/, in a copy .behindproxy/verify/.",
)
@click.option("--curl", is_flag=True, help="Run the curl commands and tests/test_deployment.py first.")
@click.option("--explain", metavar="ID", help="Print a check's statement and fix, and send nothing.")
@click.option("--list", "list_checks", is_flag=True, help="Print every check as JSON and send nothing.")
def verify(curl: bool, list_checks: bool, explain: str | None, **target: Any) -> None:
    """Check a deployment through every entrypoint, and show what to fix.

    URL is the public URL with the prefix. Without URL, check the stack of this folder, and start it if it is
    not running. An application other than the demonstration gets only GET, HEAD and OPTIONS.
    """
    from . import verify as command

    if list_checks:
        sys.exit(command.list_checks())
    with reasons_are_status_2():
        if explain is not None:
            sys.exit(command.explain(explain))
        sys.exit(command.run(command.Request(**target), curl=curl))


@under("Check", "curl")
@target_options
def curl_(**target: Any) -> None:
    """Send a few requests to every entrypoint, show each and check its response."""
    from . import verify as command

    with reasons_are_status_2():
        sys.exit(command.curl(command.Request(**target, command="curl")))


@under("Check", "settings")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "env", "md"]),
    default="text",
    show_default=True,
    help="env prints lines of .env, each with its explanation; md prints a table in Markdown.",
)
@click.option("--swarm", is_flag=True, help="Print them as swarm-deploy reads them.")
def settings(form: str, swarm: bool) -> None:
    """Print each setting, its current value and where it comes from.

    The exit status is 1 if up would refuse a value.
    """
    from .settings.present import run

    sys.exit(run(form, swarm))


@under("Check", "doctor")
@click.argument("url", default="", metavar="[URL]")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(url: str, as_json: bool) -> None:
    """Show who can reach the service, who cannot, and why.

    With URL, explain what happens to a request there.
    """
    from .doctor.commands import run

    sys.exit(run(url, as_json))


def with_option(command: Command) -> Command:
    """Add --with, whose parts are separated by commas."""
    option = click.option(
        "--with",
        "parts",
        envvar="WITH",
        default="",
        metavar="PART,…",
        help="Optional parts: swarm, observability, kubernetes.",
    )
    return option(command)


def index_option(command: Command) -> Command:
    """Add --index and --no-index."""
    option = click.option(
        "--index/--no-index",
        default=None,
        envvar="INDEX",
        help="Install the tool from pip's package index, if it has this version, or from two wheels in "
        "the copy (the default of a new copy).",
    )
    return option(command)


@under("Copy", "new")
@click.argument("dest", type=click.Path(), envvar="DEST", default="", metavar="FOLDER")
@click.option(
    "--module",
    envvar="APP_MODULE",
    default="",
    metavar="MODULE:ATTRIBUTE",
    help="The ASGI application. Default: the one that new finds.",
)
@click.option("--prefix", envvar="API_PREFIX", default="", metavar="/PREFIX", help="The public path prefix.")
@with_option
@index_option
def new(dest: str, module: str, prefix: str, parts: str, index: bool | None) -> None:
    """Write this deployment into another project, or update it there."""
    copy(dest, parts, module=module, prefix=prefix, index=index)


@under("Copy", "update")
@click.argument("dest", type=click.Path(), envvar="DEST", default=".", metavar="[FOLDER]")
@with_option
@index_option
def update(dest: str, parts: str, index: bool | None) -> None:
    """Update a copy to this version: its edits are kept, and conflicts are marked in the files."""
    copy(dest, parts, only_update=True, index=index)


def copy(dest: str, parts: str, **request: Any) -> None:
    """Run new or update and exit with its status."""
    from .scaffold.commands import run
    from .scaffold.request import Request

    names = tuple(dict.fromkeys(one.strip() for one in parts.split(",") if one.strip()))
    sys.exit(run(Request(dest, parts=names, **request)))


@under("This command", "manual")
@click.argument("page", default="", metavar="[PAGE]")
def manual(page: str) -> None:
    """Print a page of the documentation that messages name; without PAGE, list them."""
    from .manual import listed, text

    with reasons_are_status_2():
        titles = "\n".join(f"{name:<24}{title}" for name, title in listed().items())
        click.echo(text(page) if page else titles)


@under("This command", "completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: source <(behindproxy completion bash)."""
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    click.echo(completion_class(main, {}, PROGRAM, COMPLETE).source())
