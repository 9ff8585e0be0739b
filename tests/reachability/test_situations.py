"""Bare servers that this project did not start: the first finding is the right one."""

import datetime
import re

import pytest
import trustme

from behindproxy.doctor.findings import ENTRIES
from behindproxy.doctor.step import ERROR

from .conftest import CLOUD
from .proxied import ALL


@pytest.fixture(scope="module")
def certificates(folder):
    """good, expired and other (another name), each signed by ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    for name, names, options in (
        ("good", [CLOUD], {}),
        ("expired", [CLOUD], {"not_after": yesterday}),
        ("other", ["elsewhere.example.com"], {}),
    ):
        leaf = authority.issue_cert(*names, **options)
        leaf.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        for number, part in enumerate(leaf.cert_chain_pems):
            part.write_to_path(str(folder / f"{name}.pem"), append=number > 0)
    return str(folder / "ca.pem")


def fits(template: str, text: str) -> bool:
    """Whether `text` is the template, with its fields filled."""
    pattern = "".join(
        ".*" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template)
    )
    return bool(re.fullmatch(pattern, text, re.DOTALL))


@pytest.mark.parametrize("situation", ALL, ids=lambda one: one.name)
def test_the_first_finding_is_the_cause(situation, laptop, cloud, certificates):
    situation.make(cloud)
    host = laptop if situation.sent_from == "laptop" else cloud
    if host is laptop:
        # A way out that leads to nowhere, as the internet's does for 10.0.0.0/8.
        laptop.run("ip", "route", "replace", "default", "via", CLOUD)
    environ = {"CA_FILE": certificates} if situation.ca else {}
    report = host.doctor(situation.url, **environ)
    ids = [one["id"] for one in report["findings"]]
    assert ids[:1] == ([situation.finding] if situation.finding else []), report["steps"]
    assert report["exit"] == any(one["mark"] == ERROR for one in report["findings"])
    if situation.finding:
        first = report["findings"][0]
        assert first["fix"]
        assert fits(ENTRIES[situation.finding, situation.case].text, first["text"])
        assert situation.says in first["text"] + first["fix"]


def test_a_command_that_hangs_does_not_block_doctor(cloud, folder):
    """An engine that never answers, and a firewall that drops everything."""
    engine = folder / "docker"
    engine.write_text("#!/bin/sh\nexec sleep 600\n")
    engine.chmod(0o755)
    cloud.must("iptables", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
    report = cloud.doctor(f"http://{CLOUD}:8000/app", PATH=f"{folder}:{cloud.environ['PATH']}")
    assert "does not answer within" in report["facts"]["engine_says"]
    assert report["findings"][0]["id"] == "url.firewall"


def test_doctor_says_what_it_cannot_see_without_root(cloud):
    """Another user's process, and the firewall's rules."""
    cloud.start("uvicorn", "tests.reachability.demo:app", "--port", "8000", port=8000)
    cause = cloud.doctor(f"http://{CLOUD}:8000/app", as_nobody=True)["findings"][0]
    assert cause["id"] == "url.bound_to_loopback"
    assert "another user's process (root can see which)" in cause["text"]
    cloud.must("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8001", "-j", "DROP")
    cause = cloud.doctor(f"http://{CLOUD}:8001/app", as_nobody=True)["findings"][0]
    assert cause["id"] == "url.firewall_unseen"
    assert "sudo make doctor" in cause["fix"]
