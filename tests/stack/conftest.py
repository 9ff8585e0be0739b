"""The copy of this checkout that the tests of up and down drive."""

import shutil

import pytest

from tests.checkout import ROOT, Checkout, docker


@pytest.fixture(scope="session")
def checkout():
    path = ROOT / "build" / "checkout"
    checkout = Checkout(path)
    checkout.fill()
    yield checkout
    checkout.make("clean")  # down, and the image
    left = not checkout.nothing_left()
    shutil.rmtree(path, ignore_errors=True)
    assert not left, "processes or containers were left"


@pytest.fixture
def unset(checkout):
    """It without an `.env`, whatever runs."""
    (checkout.path / ".env").unlink(missing_ok=True)
    yield checkout
    (checkout.path / ".env").unlink(missing_ok=True)


@pytest.fixture
def stopped(unset):
    if not is_down(unset):
        unset.make("down")
    return unset


@pytest.fixture
def running(unset):
    """With every setting as it is by default: `up` changes what a test before left otherwise."""
    unset.must("up")
    return unset


def is_down(checkout) -> bool:
    """Whether `down` would find nothing: no process, container, network or note of any."""
    if (checkout.path / "build" / "state.json").exists() or not checkout.nothing_left():
        return False
    return checkout.runtime == "native" or not docker("network", "ls", "-q", "--filter", "type=custom")
