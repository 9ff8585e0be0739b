"""TRUSTED_PROXIES: a load balancer in front of Traefik is trusted hop by hop, and only it."""

import json

CHECKS = ("trust.load_balancer", "trust.load_balancer_limits", "trust.direct_cannot_spoof")


def test_the_suite_holds_behind_a_trusted_load_balancer(running):
    # Who this test is to Traefik: loopback natively, a bridge's gateway in Docker.
    caller = json.loads(running.answers("/api/v1/_probe/x"))["client"][0]
    # The caller stands where the last load balancer does; another one is in front of that.
    trusted = {"TRUSTED_PROXIES": f"{caller},198.51.100.8"}
    code, output = running.make("up", **trusted)
    assert code == 0, output

    # Whom Traefik trusts is another in Docker; what is asked beside that is the same, and takes a minute.
    some = {} if running.runtime == "native" else {"CHECKS": "trust."}
    code, output = running.make("verify", FAST=1, **some, **trusted)
    assert code == 0, output
    report = json.loads((running.path / "build" / "verify" / "report.json").read_text())
    statuses = {(check["id"], check["status"]) for check in report["checks"] if check["id"] in CHECKS}
    assert statuses >= {(check, "passed") for check in CHECKS}
