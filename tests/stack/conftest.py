"""The copy of this checkout that the tests of up and down drive."""

import shutil

import pytest

from tests.checkout import ROOT, Checkout


@pytest.fixture(scope="module")
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
def stopped(checkout):
    checkout.make("down")
    (checkout.path / ".env").unlink(missing_ok=True)
    yield checkout
    (checkout.path / ".env").unlink(missing_ok=True)


@pytest.fixture
def running(stopped):
    code, output = stopped.make("up")
    assert code == 0, output
    return stopped
