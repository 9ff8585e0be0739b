"""`make verify` runs the curl commands, the page's statements, and the contract suite, in this order."""

from dataclasses import replace

import pytest

from behindproxy import verify

TARGET = verify.Target("http://a/b", "https://a/b", "http://a", "", "native", "true", demonstration=True)


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """What ran, and the exit status of each."""
    order, status = [], {"curl": 0, "deployment": 0, "suite": 0}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify, "target", lambda request: TARGET)

    def call(command, env):
        names = {"curl.sh": "curl", "test_deployment.py": "deployment"}
        name = names.get(command[-1].rpartition("/")[2], "suite")
        order.append((name, env))
        return status[name]

    monkeypatch.setattr(verify.subprocess, "call", call)
    return order, status


def test_all_three_run_and_the_statements_get_the_deployment_s_addresses(runs):
    order, _ = runs
    assert verify.run(verify.Request(), curl=True) == 0
    assert [name for name, _ in order] == ["curl", "deployment", "suite"]
    environ = order[1][1]
    assert [environ[key] for key in ("PROXY_URL", "TLS_URL", "DIRECT_URL", "STRIP_PREFIX")] == [
        "http://a/b",
        "https://a/b",
        "http://a",
        "true",
    ]


@pytest.mark.parametrize("red", ["curl", "deployment", "suite"])
def test_one_that_fails_is_status_1_and_the_others_run(runs, red):
    order, status = runs
    status[red] = 1
    assert verify.run(verify.Request(), curl=True) == 1
    assert len(order) == 3


def test_some_checks_alone_and_other_deployments_are_without_the_statements(runs, monkeypatch):
    order, _ = runs
    verify.run(verify.Request(only="trust.*"), curl=True)
    monkeypatch.setattr(verify, "target", lambda request: replace(TARGET, runtime="remote"))
    verify.run(verify.Request(url="https://a/b"), curl=True)
    assert "deployment" not in [name for name, _ in order]


def test_a_project_s_own_file_of_that_name_is_left_alone(runs, monkeypatch, tmp_path):
    order, _ = runs
    monkeypatch.setattr(verify, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / verify.STATEMENTS).write_text("def test_theirs(): assert False\n")
    assert verify.run(verify.Request(), curl=True) == 0
    assert [name for name, _ in order] == ["curl", "suite"]
