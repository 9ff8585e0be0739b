"""Words and phrases that engineers do not use for what is meant, and that may not come back."""

import re
import subprocess

import pytest

from behindproxy.stack.paths import ROOT

# pattern: what to write instead
WORDS = {
    r"doors?": "entrypoint",
    r"believ(e|es|ed|ing)": "trust",
    r"in silence": "silently",
    r"anew": "again, or new",
    r"\d+ to know": "notes",
    r"[Nn]or do(es)? (they|it)": "a sentence that makes sense alone",
    r"strangers?('s)?": "third-party",
    r"not asked": "not tested",
    r"slash (at (its|the) end|behind it)": "trailing slash",
    r"slash in front": "leading slash",
    r"(is|are) no (HTTP server|URL|proxies|schema)": "is not a",
    r"in a circle": "loop",
    r"(go|goes|way|ways|leads) round": "bypass",
    r"whoever (reaches|calls|sends|uses|sees)": "anyone who can reach, clients of",
    r"takes? for alive|takes? (it|them) for granted": "counts as healthy",
    r"taken? back": "undone",
    r"the version (before|now)": "the previous version, the current version",
    r"address(es)? of the inside": "internal address",
    r"(go|goes|went) on (serving|using|reading|naming|taking|creating|looking)": "keep",
    r"(sent|tried) again": "retried",
    r"had not begun": "had not started",
    r"most_(replicas|bytes|seconds)|MOST_[A-Z_]+": "max_…, MAX_…",
    r"what not everybody needs": "optional parts",
    r"past the proxy": "bypassing the proxy, without the proxy",
    r"takes? it as it is|what is so": "the finding, the fact",
}
PATTERN = re.compile(rf"\b(?:{'|'.join(WORDS)})\b")
# Where a word is right: part of a path, and a text in the line.
ALLOWED = [
    ("CHANGELOG.md", "`door`"),  # the record of the renaming
    ("CHANGELOG.md", "`door.*`"),
    ("CHANGELOG.md", "ONLY=doors"),
]
# What a person can meet. Tests have names of their own, and requirements/ and the licences are others' texts.
PUBLIC = ["*.md", "src", "app", "deploy", "traefik", "docker-compose*.yml", "Dockerfile", "Makefile"]
PUBLIC += [".env.example", "action.yml", ".github"]
SOURCES = (".md", ".py", ".yml", ".toml", ".sh", ".mk", ".j2", ".conf", ".example")


def found(name: str, text: str) -> list[str]:
    return [
        f"{name}:{number}: {hit[0]!r}: write {instead(hit[0])}"
        for number, line in enumerate(text.splitlines(), 1)
        for hit in PATTERN.finditer(line)
        if not any(path in name and words in line for path, words in ALLOWED)
    ]


def instead(words: str) -> str:
    return next(better for pattern, better in WORDS.items() if re.fullmatch(pattern, words))


def test_no_text_has_a_word_that_was_replaced():
    process = subprocess.run(
        ["git", "ls-files", "-z", "--", *PUBLIC], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = [name for name in process.stdout.split("\0") if name.endswith(SOURCES) or "/" not in name]
    if not names:
        pytest.skip("no git checkout: there is no list of its files")
    hits = [
        hit for name in names if (ROOT / name).is_file() for hit in found(name, (ROOT / name).read_text())
    ]
    assert hits == []


@pytest.mark.parametrize(
    "line",
    [
        "Nor do they change a WebSocket",
        "2 errors, 0 to know",
        "a header that the server believes",
        "the door for this machine",
        "--root-path with a slash at its end",
        "the redirects go in a circle",
    ],
)
def test_a_word_that_was_replaced_is_found(line):
    assert found("docs/page.md", line)


def test_the_record_of_a_renaming_may_have_the_old_word():
    line = "a check's `door` is now `entrypoint`"
    assert found("docs/page.md", line) and not found("CHANGELOG.md", line)
