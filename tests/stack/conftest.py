"""The copy of this checkout that the tests of up and down drive."""

import shutil
import ssl

import httpx
import pytest

from tests.checkout import ROOT, Checkout, docker


@pytest.fixture(scope="session")
def checkout():
    path = ROOT / "build" / "checkout"
    checkout = Checkout(path)
    checkout.fill()
    yield checkout
    checkout.make("clean")  # down, and the image
    leftovers = not checkout.nothing_left()
    shutil.rmtree(path, ignore_errors=True)
    assert not leftovers, "processes or containers were left"


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


@pytest.fixture
def served(stopped):
    """The copy of the checkout, for applications of the tests, which are in no image."""
    override = stopped.path / "docker-compose.override.yml"
    override.write_text('services: {app: {volumes: ["./tests:/srv/tests:ro"]}}\n')
    yield stopped
    stopped.make("down")
    override.unlink()


def addresses(checkout) -> list[str]:
    """The public addresses, with the prefix."""
    return [f"http://127.0.0.1:{checkout.http}/api/v1", f"https://127.0.0.1:{checkout.https}/api/v1"]


def client(checkout) -> httpx.Client:
    """A client that trusts the local CA."""
    trust = ssl.create_default_context(cafile=str(checkout.path / "build" / "tls" / "ca.pem"))
    return httpx.Client(trust_env=False, verify=trust, timeout=60)


def is_down(checkout) -> bool:
    """Whether `down` would find nothing: no process, container, network or note of any."""
    if (checkout.path / "build" / "state.json").exists() or not checkout.nothing_left():
        return False
    return checkout.runtime == "native" or not docker("network", "ls", "-q", "--filter", "type=custom")
