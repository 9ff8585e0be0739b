"""`python -m tests.troubleshooting`: writes docs/troubleshooting.md from the catalogue of doctor's
findings, and from the broken configurations with what `make verify` says of them."""

import re
from collections.abc import Iterator

from behindproxy.contract.advice import reference
from behindproxy.contract.advice.causes import CAUSES
from behindproxy.contract.advice.setting import Setting
from behindproxy.doctor.findings import CATALOGUE, Finding, fill, names
from behindproxy.doctor.step import ERROR
from behindproxy.stack.paths import ROOT
from behindproxy.stack.render import write
from tests.mutants.mutant import load_all
from tests.reachability.proxied import ALL as SITUATIONS
from tests.tables import checks, row

PATH = ROOT / "docs" / "troubleshooting.md"
VERIFY, UP = "`make verify` fails", "`make up` refuses"
HEAD = """# Something is wrong

Three commands find the cause. `make doctor` follows the whole path of a request. `make doctor URL=…` explains
one URL. `make verify` names the likely cause of what fails, after its verdict. You see:
"""
KEY = """
First come doctor's findings. Words in capitals stand for what doctor fills in. After an id comes the
situation in which a test makes doctor find it. Each is an error unless another level is given; warnings and
notes leave the exit status at 0. Then comes what `verify` and `up` said when the configuration was [broken on
purpose](mutants.md). `behindproxy verify --explain ID` prints what any check states and how to fix it when
it fails; [claims.md](claims.md) lists them all. `make docs` writes this page from
src/behindproxy/doctor/findings.py, src/behindproxy/contract/ and tests/.
"""


def shown(template: str) -> str:
    """A text or fix, with the names of its fields in capitals."""
    return fill(template, {name: name.upper().replace("_", "-") for name in names(template)})


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def link(source: str) -> str:
    """A source with its address, where that can be told from its form."""
    page, _, heading = source.partition(" › ")
    if page.endswith(".md"):
        path = page.removeprefix("docs/") if page.startswith("docs/") else f"../{page}"
        return f"[{path.removeprefix('../')} › {heading}]({path}#{slug(heading)})"
    if page.startswith("RFC "):
        number = page.removeprefix("RFC ")
        return f"[{source}](https://www.rfc-editor.org/rfc/rfc{number}#section-{heading})"
    if issue := re.fullmatch(r"([\w-]+/[\w.-]+)#(\d+)", source):
        return f"[{source}](https://github.com/{issue[1]}/issues/{issue[2]})"
    return source


def of_doctor() -> Iterator[str]:
    by_finding = {(one.finding, one.case): one.name for one in reversed(SITUATIONS)}
    for symptom, entries in CATALOGUE.items():
        yield from ("", f"## {symptom}", "", "| doctor says | fix | finding | see |", "|---|---|---|---|")
        for one in entries:
            situation = by_finding.get((one.id, one.case), "")
            yield row(shown(one.text), helps(one), name(one, situation), link(one.source))


def helps(one: Finding) -> str:
    """What helps, and what does in other circumstances."""
    return shown(one.fix) + "".join(f" (or: {shown(fix)})" for fix in one.fixes.values())


def name(one: Finding, situation: str) -> str:
    level = "" if one.level == ERROR else f" ({one.level})"
    return f"`{one.id}`{level}" + (f": {situation}" if situation else "")


def of_verify() -> Iterator[str]:
    here = Setting(proxy="traefik", server="uvicorn", ours=True)
    fixes = {one["id"]: reference.CHECKS.get(one["id"], one["fix"]) for one in checks()}
    hints = {f"{one} fails": fix for one, fix in fixes.items()}
    hints |= {f"the application's own fault ({one})": fix for one, fix in fixes.items()}
    diagnoses = dict(
        re.findall(r"(?m)^\| `([^`]+)` .* \| (.+) \|$", (ROOT / "docs" / "mutants.md").read_text())
    )
    rows: dict[tuple[str, str], list[str]] = {}
    refused = []
    for mutant in (one for one in load_all() if one.visible):
        text = diagnoses.get(mutant.name, "").replace("\\|", "|")
        if "up" in mutant.caught_by:
            refused.append((mutant.title, text))
            continue
        cause = next((one for one in CAUSES if text.startswith(one.says)), None)
        titles_named = next((one for one in hints if text.startswith(one)), "")
        what = (cause.says, cause.fix_for(here)) if cause else (titles_named, hints.get(titles_named, ""))
        rows.setdefault(what, []).append(f"{mutant.title} (`{mutant.name}`)")
    yield from ("", f"## {VERIFY}", "", "| `verify` says | fix | seen when |", "|---|---|---|")
    for (says, fix), broken in sorted(rows.items()):
        yield row(says, fix, "; ".join(broken))
    yield from ("", f"## {UP}", "", "| fault | `up` says |", "|---|---|")
    for title, text in refused:
        yield row(title, text)


def text() -> str:
    contents = [f"- [{heading}](#{slug(heading)})" for heading in (*CATALOGUE, VERIFY, UP)]
    return "\n".join([HEAD, *contents, KEY.rstrip("\n"), *of_doctor(), *of_verify(), ""])


if __name__ == "__main__":
    write(PATH, text())
    print(PATH.relative_to(ROOT))
