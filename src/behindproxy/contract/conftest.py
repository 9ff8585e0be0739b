"""The command line of the suite, and how pytest runs a check on an entrypoint."""

import argparse
import os
import platform
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from .advice.places import Places
from .advice.source import Source
from .engine import check
from .engine.deadline import OutOfTime
from .engine.detection import PROXIES, SERVERS
from .engine.entrypoint import Entrypoint
from .engine.expect import Expect
from .engine.shown import visible
from .engine.target import Addresses, Target, Unreachable
from .report import accepted, recorder, reports, terminal

HERE = Path(__file__).parent
CHECKS = HERE / "checks"
TARGET = pytest.StashKey[Target]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the deployment under test")
    group.addoption("--url", default="", help="public address, with the prefix")
    group.addoption("--tls-url", default="", help="public https address, with the prefix; empty: none")
    group.addoption(
        "--direct", dest="direct_url", default="", help="the application server itself; empty: none"
    )
    group.addoption(
        "--ca",
        dest="ca_file",
        default="",
        help="certificate authority of --tls-url; empty: the system's trust store",
    )
    group.addoption(
        "--strip-prefix",
        choices=("auto", "true", "false"),
        default="auto",
        help="whether the proxy strips the prefix; auto: detect it",
    )
    group.addoption(
        "--runtime", choices=("docker", "native", "remote"), default="remote", help="who started it"
    )
    group.addoption(
        "--proxy", choices=("auto", *PROXIES), default="auto", help="the proxy that a change is named for"
    )
    group.addoption(
        "--server",
        choices=("", "auto", *SERVERS),
        default="auto",
        help="the application server it is named for",
    )
    group.addoption(
        "--openapi", default="", metavar="PATH|FILE", help="where the schema is, or a file that has it"
    )
    group.addoption(
        "--websocket",
        dest="websockets",
        action="append",
        default=[],
        metavar="PATH",
        help="a WebSocket of the application, without the prefix",
    )
    group.addoption(
        "--stream",
        dest="streams",
        action="append",
        default=[],
        metavar="PATH",
        help="a stream of events of the application, without the prefix",
    )
    group.addoption(
        "--accept", type=Path, default=None, metavar="FILE", help="failures to accept, each with a reason"
    )
    group.addoption(
        "--fail-on",
        choices=check.LEVELS,
        default="exposed",
        help="the lowest level that makes the exit status 1",
    )
    group.addoption(
        "--target-version", action="append", default=[], metavar="NAME=VERSION", help="for the report"
    )
    group.addoption("--max-body-bytes", type=int, default=10485760, help="MAX_BODY_BYTES")
    group.addoption(
        "--encoded-characters", default="%3B,%25,%3F,%23", help="ENCODED_CHARACTERS: what passes in a path"
    )
    group.addoption("--websocket-max-bytes", type=int, default=1048576, help="WEBSOCKET_MAX_BYTES")
    group.addoption(
        "--probe",
        choices=("auto", "on", "off"),
        default="auto",
        help="whether /_probe/ must exist; auto: detect it",
    )
    group.addoption(
        "--application",
        choices=("auto", "demo", "other"),
        default="auto",
        help=(
            "demo: all of the demonstration must exist; auto: what does not exist is skipped; other: a "
            "third-party application, whatever its responses look like"
        ),
    )
    group.addoption(
        "--docs",
        choices=("public", "private", "off"),
        default="public",
        help="who gets the documentation; private: clients of the server itself",
    )
    group.addoption(
        "--forward-prefix",
        choices=("auto", "true", "false"),
        default="auto",
        help="must the proxy send X-Forwarded-Prefix; auto: it may",
    )
    group.addoption(
        "--root-path-in-servers",
        choices=("true", "false"),
        default="true",
        help="does the schema list the prefix as a server",
    )
    group.addoption(
        "--extra-servers",
        type=lambda urls: [url for url in urls.split(",") if url],
        default=None,
        metavar="URL,URL",
        help="the servers that follow it; not given: unknown",
    )
    group.addoption(
        "--trusted-proxies",
        type=lambda addresses: [item.strip() for item in addresses.split(",") if item.strip()],
        default=[],
        metavar="IP,NET",
        help="the load balancers in front that proxy and server trust",
    )
    group.addoption(
        "--identity-headers",
        type=lambda names: [item.strip() for item in names.split(",") if item.strip()],
        default=[],
        metavar="NAME,NAME",
        help="headers about a client that load balancers in front set, and that arrive",
    )
    group.addoption(
        "--path",
        dest="answers",
        action="append",
        default=[],
        metavar="PATH",
        help="a path of the application that answers GET; may be given more than once",
    )
    group.addoption(
        "--protected",
        default="",
        metavar="PATH",
        help="a path of the application, without the prefix, that the proxy protects",
    )
    group.addoption(
        "--user",
        dest="protected_user",
        default=os.environ.get("PROTECTED_USER", ""),
        metavar="USER:PASSWORD",
        help="basic credentials that open --protected",
    )
    group.addoption(
        "--application-source",
        default="",
        metavar="MODULE:ATTRIBUTE=PATH",
        help="the application's file or package on this machine, for the line of a fault",
    )
    group.addoption(
        "--deployment-files",
        default="Makefile:",
        metavar="MAKEFILE:FOLDER:TOOL",
        help="this repository's files where a copy has them elsewhere, for fixes",
    )
    group.addoption(
        "--unsafe",
        action="store_true",
        help="send an application other than the demonstration any method, bodies and broken requests too",
    )
    group.addoption(
        "--only",
        type=lambda patterns: [one for one in patterns.split(",") if one],
        default=[],
        metavar="PATTERN",
        help="checks by id: trust.*, redirect, several by comma; !fuzz.* leaves out",
    )
    group.addoption("--fast", action="store_true", help="leave out browser and fuzz")
    group.addoption(
        "--report",
        dest="report_dir",
        type=Path,
        default=Path("behindproxy-report"),
        help="where the reports are written",
    )
    group.addoption("--max-seconds", type=int, default=900, help="how long the run may take; 0: no limit")
    group.addoption(
        "--logs-command", type=shlex.split, default=[], help="prints the last log lines, for failures"
    )
    group.addoption(
        "--format",
        dest="formats",
        choices=reports.FORMATS,
        action="append",
        default=[],
        help="what is written; otherwise all but sarif",
    )
    group.addoption("--verbose-checks", action="store_true", help="show the matrix, and each failure whole")
    group.addoption("--list-checks", action="store_true", help="print every check as JSON and send nothing")


class Module(pytest.Module):
    """A module of the suite, in which a check is a function `test_…`, whatever a project's options say."""

    def funcnamefilter(self, name: str) -> bool:
        return name.startswith("test_")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Module | None:
    """Collect the suite where a project's `python_files` names other files."""
    ours = file_path.parent == CHECKS and file_path.match("test_*.py")
    if ours and not any(map(file_path.match, parent.config.getini("python_files"))):
        return Module.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Module | None:
    return Module.from_parent(parent, path=module_path) if module_path.parent == CHECKS else None


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Look into the suite's folder where a project's `norecursedirs` names it."""
    return False if collection_path == CHECKS else None


def pytest_cmdline_main(config: pytest.Config) -> None:
    writes = not (config.option.collectonly or config.option.list_checks)
    if writes and not config.option.xmlpath and "junit" in (config.option.formats or ["junit"]):
        config.option.xmlpath = str(config.option.report_dir / "report.xml")
    if writes:
        for name in reports.NAMES:  # a link there may lead anywhere
            if (path := config.option.report_dir / name).is_symlink():
                path.unlink()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "check(Check): what the report says about this test")
    if config.option.help or config.option.collectonly:
        return
    # A matrix says what dots and traces would: pytest's own reporter makes room for it.
    config.pluginmanager.unregister(name="terminalreporter")
    config.option.tbstyle = "short"
    results = recorder.Recorder(config.option.report_dir)
    results.formats = config.option.formats or [one for one in reports.FORMATS if one != "sarif"]
    results.selected = bool(config.option.only)
    if config.option.accept:
        try:
            results.accepted = accepted.load(config.option.accept)
        except accepted.Malformed as error:
            raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(results, "contract-recorder")
    config.pluginmanager.register(terminal.Reporter(config, results), "contract-terminal")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    check.refuse_duplicates(ours)
    for item in ours:
        item.extra_keyword_matches.add(check.of(item).id)
    if only := config.option.only:
        left_out = [item for item in ours if not check.selected(check.of(item).id, only)]
        if len(left_out) == len(ours):
            raise pytest.UsageError(f"--only {','.join(only)}: no check has such an id, for example trust.*")
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    config = session.config
    if config.option.collectonly:
        return None
    results = config.pluginmanager.get_plugin("contract-recorder")
    assert isinstance(results, recorder.Recorder)
    results.plan(session.items)
    if config.option.list_checks:
        terminal.print_checks(session.items)
        results.is_written = True
        return True
    try:
        config.stash[TARGET] = results.target = open_target(config.option)
    except Unreachable as error:
        addresses: Addresses = {
            "http_url": config.option.url,
            "https_url": config.option.tls_url,
            "direct_url": config.option.direct_url,
        }
        results.could_not_check(str(error), addresses)
        config.hook.pytest_runtest_logreport(report=unreachable(visible(str(error))))
        pytest.exit(visible(str(error)), returncode=2)
    return None


def unreachable(line: str) -> pytest.TestReport:
    """Return the one test case that report.xml has where no check could begin: what reads JUnit alone would
    take a file without test cases for a run in which nothing is wrong."""
    name = "the deployment can be reached"
    place = (f"deployment::{name}", ("deployment", None, name))
    return pytest.TestReport(*place, keywords={}, outcome="failed", longrepr=line, when="setup")


def open_target(option: argparse.Namespace) -> Target:
    try:
        versions = dict(pair.split("=", 1) for pair in option.target_version)
    except ValueError:
        raise pytest.UsageError("--target-version takes NAME=VERSION") from None
    if option.ca_file and not os.path.exists(option.ca_file):
        raise Unreachable(
            f"--ca {option.ca_file} does not exist; without it (CA_FILE=) the system's authorities count"
        )
    target = Target(
        http_url=option.url,
        https_url=option.tls_url,
        direct_url=option.direct_url,
        runtime=option.runtime,
        server="" if option.server == "auto" else option.server,
        proxy="" if option.proxy == "auto" else option.proxy,
        given_strip={"true": True, "false": False}.get(option.strip_prefix),
        openapi=option.openapi,
        websockets=option.websockets,
        streams=option.streams,
        fast=option.fast,
        unsafe=option.unsafe,
        probe=option.probe,
        application=option.application,
        docs=option.docs,
        forward_prefix={"true": True, "false": False}.get(option.forward_prefix),
        root_path_in_servers=option.root_path_in_servers == "true",
        extra_servers=option.extra_servers,
        trusted_proxies=option.trusted_proxies,
        identity_headers=option.identity_headers,
        answers=option.answers,
        max_body_bytes=option.max_body_bytes,
        max_seconds=option.max_seconds,
        websocket_max_bytes=option.websocket_max_bytes,
        encoded_characters=frozenset(option.encoded_characters.upper().split(",")),
        protected=option.protected,
        protected_user=option.protected_user,
        logs_command=option.logs_command,
        ca_file=option.ca_file,
        places=Places(*option.deployment_files.split(":")),
        versions={"checked_with_python": platform.python_version(), **versions},
    )
    if option.application_source:
        name, _, path = option.application_source.partition("=")
        target.source = Source(name, Path(path), target.prefix)
    try:
        target.connect()
    except OutOfTime as late:
        raise Unreachable(f"{late}; --max-seconds gives it more") from None
    return target


@pytest.fixture(autouse=True)
def junit_name(request: pytest.FixtureRequest, record_xml_attribute: Callable[[str, object], None]) -> None:
    """List the check's id and title in CI systems, not the function that implements it."""
    row = check.of(request.node)
    record_xml_attribute("classname", row.group)
    record_xml_attribute("name", f"{row.id} on {check.entrypoint_of(request.node)}: {row.title}")


@pytest.fixture
def expect(request: pytest.FixtureRequest) -> Expect:
    expectation = request.node.stash[recorder.EXPECT] = Expect()
    return expectation


@pytest.fixture
def target(request: pytest.FixtureRequest, expect: Expect, junit_name: None) -> Target:
    """Return the deployment, once it is known that the check applies: for checks of no one entrypoint."""
    target = request.config.stash[TARGET]
    if reason := target.reason_to_skip(check.of(request.node), check.entrypoint_of(request.node)):
        pytest.skip(reason)
    target.refuse_late()
    return target


@pytest.fixture
def entrypoint(request: pytest.FixtureRequest, expect: Expect, junit_name: None) -> Entrypoint:
    """Return the entrypoint that the parameter names."""
    target, name = request.config.stash[TARGET], check.entrypoint_of(request.node)
    if reason := target.reason_to_skip(check.of(request.node), name):
        pytest.skip(reason)
    assert name != "all"
    if name in target.dead and check.of(request.node).id != "tls.certificate":
        raise ConnectionError(target.dead[name])
    target.refuse_late()
    connection = request.node.stash[recorder.ENTRYPOINT] = target.open(name, expect)
    return connection


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the levels decide the exit status: 0 where nothing counts and something was checked."""
    results = session.config.pluginmanager.get_plugin("contract-recorder")
    if not isinstance(results, recorder.Recorder) or session.exitstatus not in (0, 1):
        return
    counts = results.counts
    total = counts["passed"] + counts["failed"] + counts["accepted"]
    red = bool(results.grave(session.config.option.fail_on)) or counts["error"] > 0
    if results.target is not None and session.exitstatus in (0, 1):
        session.exitstatus = int(red or not total)
