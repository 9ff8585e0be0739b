"""A report as SARIF 2.1.0, which code hosts show beside the code (OASIS, Static Analysis Results
Interchange Format)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reports import Report

LEVELS = {"broken": "error", "exposed": "error", "hardening": "warning"}


def of(report: "Report") -> dict[str, Any]:
    """Return the failed and the accepted checks as results, each check as a rule."""
    red = [line for line in report["checks"] if line["status"] in ("failed", "error", "accepted")]
    url = report["target"]["http_url"] or report["target"]["https_url"]
    rules = {
        line["id"]: {
            "id": line["id"],
            "shortDescription": {"text": line["title"]},
            "help": {"text": line["fix"]},
            "properties": {"tags": [tag for tag in (line["cwe"], line["level"]) if tag]},
        }
        for line in red
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "behindproxy", "rules": list(rules.values())}},
                "results": [
                    {
                        "ruleId": line["id"],
                        "level": LEVELS[line["level"]],
                        "message": {
                            "text": f"{line['title']} on {line['entrypoint']}. Expected {line['expected']}; "
                            f"observed {line['observed']}. {line['fix']}"
                        },
                        # A deployment has no file: the place is its address, in the form that viewers demand.
                        "locations": [
                            {"logicalLocations": [{"fullyQualifiedName": f"{line['entrypoint']} {url}"}]}
                        ],
                        **(
                            {"suppressions": [{"kind": "external", "status": "accepted"}]}
                            if line["status"] == "accepted"
                            else {}
                        ),
                    }
                    for line in red
                ],
            }
        ],
    }
