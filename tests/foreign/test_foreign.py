"""Each row of the TOML files, judged as by `python -m tests.foreign`: without the probe, and with it. What
is kept of it, `--document` writes down."""

import shutil

import pytest

from .entry import load_all
from .run import HOME, of, ordered
from .serving import Missing, Ports, Servers, certificate, check
from .table import keep

# Requests to one path on one entrypoint, of the probe's world the probe: what it costs somebody is bounded.
MOST = {"plain": 60, "probed": 120}
WORLDS = {"plain": ordered(load_all()), "probed": ordered([entry.probed for entry in load_all()])}


@pytest.fixture(scope="module")
def bed():
    """What the deployments share: ports, a certificate, and the servers that several of them have."""
    shutil.rmtree(HOME, ignore_errors=True)
    ports = Ports()
    texts = certificate(HOME)
    servers = Servers([entry for entries in WORLDS.values() for entry in entries], ports, HOME)
    yield servers, ports, texts
    servers.close()
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.mark.parametrize(
    ("world", "entry"),
    [
        pytest.param(world, entry, id=f"{world}-{entry.name}")
        for world, all in WORLDS.items()
        for entry in all
    ],
)
def test_it_gets_the_right_answer(world, entry, bed):
    try:
        check(entry)
    except Missing as missing:
        pytest.skip(str(missing))
    verdict = of(entry, *bed, HOME / world / entry.name)
    keep([verdict], world)
    assert verdict.good, "; ".join(verdict.words)
    assert 0 < verdict.most <= MOST[world], f"{verdict.most} of {verdict.requests} requests went to one path"
