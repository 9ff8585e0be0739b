"""`python -m tests.troubleshooting`: writes docs/troubleshooting.md from what can be found: doctor's
findings, and the broken configurations with what `make verify` says of them."""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from stack.paths import ROOT
from stack.render import write
from tests.contract.causes import CAUSES
from tests.mutants.mutant import load_all
from tests.reachability.situations import SITUATIONS
from tests.tables import checks, row

PATH = ROOT / "docs" / "troubleshooting.md"
HEAD = """# Something is wrong

Three commands say what: `make doctor` looks at the whole way of a request, `make doctor URL=…` explains one
address, and `make verify` names the likely cause of what is red in its last lines. Each answer below was
seen on a real stack: the first tables are doctor's findings, the last what `verify` and `up` said when the
configuration was [broken on purpose](mutants.md). Written by `make claims` from doctor/ and tests/.
"""
# The functions that look for a cause, by what a person sees.
SYMPTOMS = {
    "refused": "Connection refused", "_published_elsewhere": "Connection refused",
    "_bound_elsewhere": "Connection refused", "_nothing": "Connection refused",
    "_behind_the_port": "Connection refused or reset, at a published port",
    "_rule": "Timed out", "timed_out": "Timed out", "_private_elsewhere": "Timed out",
    "no_answer": "Connected, and no answer", "unreachable": "No route to host", "no_name": "Name not known",
    "not_tls": "TLS handshake failed", "certificate": "The certificate is refused",
    "loop": "Too many redirects", "http": "An answer that is an error",
    "_not_found": "404", "_no_application": "502, 503 or 504", "_too_slow": "502, 503 or 504",
}  # fmt: skip
FINDING = ("wrong", "notice")
STACK = "`make doctor`, of the stack itself"


def findings() -> Iterator[tuple[str, str, str, str]]:
    """Symptom, id, what doctor says and its fix, with … for what it fills in."""
    for path in sorted((ROOT / "doctor").glob("*.py")):
        module = ast.parse(path.read_text())
        constants = assigned(module.body)
        for function in (node for node in module.body if isinstance(node, ast.FunctionDef)):
            known = constants | assigned(ast.walk(function))
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in FINDING:
                    id_, _, text, *fix = call.args
                    symptom = SYMPTOMS.get(function.name, STACK)
                    yield (symptom, plain(id_, known), plain(text, known),
                           plain(fix[0], known) if fix else "")  # fmt: skip


def assigned(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    """Names that are given a text, so that what is built in two steps is shown whole."""
    return {node.targets[0].id: node.value for node in nodes
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.JoinedStr | ast.Constant)}  # fmt: skip


def plain(node: ast.expr, known: dict[str, ast.expr]) -> str:
    """A string as it is written, with … for each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return re.sub("…+", "…", "".join(plain(value, known) for value in node.values))
    if isinstance(node, ast.FormattedValue):
        return plain(node.value, known)
    if isinstance(node, ast.BinOp):
        return plain(node.left, known) + plain(node.right, known)
    if isinstance(node, ast.IfExp):
        either = (plain(node.body, known), plain(node.orelse, known))
        return " (or: ".join(filter(None, either)) + (")" if all(either) else "")
    if isinstance(node, ast.Name) and node.id in known:
        return plain(known[node.id], {})
    return "…"


def of_doctor() -> Iterator[str]:
    made = {one.finding: one.name for one in reversed(SITUATIONS)}
    order = [*dict.fromkeys(SYMPTOMS.values()), STACK]
    for symptom, group in groupby(
        sorted(findings(), key=lambda one: order.index(one[0])), key=lambda one: one[0]
    ):
        yield from (
            "",
            f"## {symptom}",
            "",
            "| doctor says | what helps | finding, and how it was made |",
            "|---|---|---|",
        )
        for _, id_, text, fix in group:
            yield row(text, fix, f"`{id_}`" + (f": {made[id_]}" if id_ in made else ""))


def of_verify() -> Iterator[str]:
    hints = {f"{one['title']} ({one['id']})": one["hint"] for one in checks()}
    said = dict(
        re.findall(r"(?m)^\| `([^`]+)` .* \| (.+) \|$", (ROOT / "docs" / "mutants.md").read_text())
    )
    rows: dict[tuple[str, str], list[str]] = {}
    refused = []
    for mutant in load_all():
        told = (
            said.get(mutant.name, "")
            .replace("\\|", "|")
            .removeprefix("the application's own fault: ")
        )
        if "up" in mutant.caught_by:
            refused.append((mutant.title, told))
            continue
        cause = next((one for one in CAUSES if told.startswith(one.says)), None)
        title = next((one for one in hints if told.startswith(one)), "")
        what = (cause.says, cause.fix) if cause else (title, hints.get(title, ""))
        rows.setdefault(what, []).append(f"{mutant.title} (`{mutant.name}`)")
    yield from (
        "",
        "## `make verify` is red",
        "",
        "| it says | what helps | seen when |",
        "|---|---|---|",
    )
    for (says, fix), broken in sorted(rows.items()):
        yield row(says, fix, "; ".join(broken))
    yield from ("", "## `make up` refuses", "", "| what was wrong | it said |", "|---|---|")
    for title, told in refused:
        yield row(title, told)


def text() -> str:
    return "\n".join([HEAD.rstrip("\n"), *of_doctor(), *of_verify(), ""])


if __name__ == "__main__":
    write(PATH, text())
    print(PATH.relative_to(ROOT))
