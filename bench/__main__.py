"""`make bench`: rounds side by side, as a table, a picture and raw results under build/bench/.

QUICK=1 is a minute and a half instead of four; ONLY=entrypoints,memory takes some of the questions.
"""

import json
import os
import platform
import sys
import time

import psutil
from rich.console import Console

from behindproxy.stack.paths import BUILD, ROOT
from behindproxy.verify import versions

from . import generators, report
from .facts import FACTS
from .questions import DEFAULT_QUESTIONS, QUESTIONS
from .rounds import ask

FOLDER = BUILD / "bench"


def main() -> int:
    quick = os.environ.get("QUICK", "0") not in ("", "0")
    rounds, seconds = (1, 1) if quick else (3, 3)  # wrk knows whole seconds
    names = list(filter(None, os.environ.get("ONLY", "").split(",")))
    tables = {**QUESTIONS, **FACTS}
    if unknown := [name for name in names if name not in tables]:
        raise SystemExit(f"ONLY={unknown[0]}: no such question; for example ONLY={','.join(tables)}")
    names = names or [question.__name__ for question in DEFAULT_QUESTIONS]
    questions = [QUESTIONS[name]() for name in names if name in QUESTIONS]
    for package in {generators.missing(case.load) for question in questions for case in question.cases} - {
        ""
    }:
        raise SystemExit(f"a load generator is missing: apt-get install {package}")
    console = Console(width=110)
    about = machine()
    console.print(about["text"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    answers, once = [], {}
    for question in questions:
        with console.status("") as status:
            answers.append((question, ask(question, rounds, seconds, status.update)))
        console.print(report.table(*answers[-1]))
    for name in (name for name in names if name in FACTS):
        with console.status("") as status:
            once[name] = FACTS[name](status.update)
        for what, value in once[name].items():
            console.print(f"{what:<72}{value}")
    raw = FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    results = {
        question.name: [result.as_dict() for result in results_of_question]
        for question, results_of_question in answers
    }
    raw.write_text(json.dumps({"machine": about, "questions": results, "once": once}, indent=1))
    page = FOLDER / "bench.html"
    report.write(page, about["text"], rounds, seconds, answers, once)
    text = "\n".join(report.markdown(*answer) for answer in answers)
    page.with_suffix(".md").write_text(f"{about['text']}\n\n{text}")
    console.print(f"{page.relative_to(ROOT)} and .md, {raw.relative_to(ROOT)}")
    return 0


def machine() -> dict:
    tools = {tool: generators.version(tool) for tool in generators.PACKAGES}
    releases = {"python": platform.python_version(), **versions(), **tools}
    text_of_releases = ", ".join(f"{name} {version}" for name, version in releases.items())
    memory = psutil.virtual_memory().total / 2**30
    text = (
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"the load generator on the same; {text_of_releases}"
    )
    return {"text": text, "cores": psutil.cpu_count(), "versions": releases}


if __name__ == "__main__":
    sys.exit(main())
