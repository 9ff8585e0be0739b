"""Finds and starts a real Chromium that trusts what --ca trusts."""

import base64
import hashlib
import os
import shutil
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import connecting
from .entrypoint import TIMEOUT_SECONDS, Address
from .target import Target

NAMES = ("chromium", "google-chrome-stable", "google-chrome", "chrome", "chromium-browser")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/opt/google/chrome/chrome",
)
# Beside Playwright's own flags, which already forbid updates, synchronization and a first run.
FLAGS = ("--disable-gpu", "--disable-background-networking", "--no-proxy-server", "--no-pings")


class NoBrowser(Exception):
    """Why there is none; the reason for a skip."""


def find() -> str:
    setting = os.environ.get("CHROMIUM")
    for candidate in [setting] if setting else [*NAMES, *PLACES]:
        if path := shutil.which(candidate):
            return path
    if setting:
        raise NoBrowser(f"CHROMIUM={setting} is no program")
    raise NoBrowser("Chromium is not installed (Debian: apt-get install chromium; or CHROMIUM=)")


def verified_key(target: Target, address: Address) -> str | None:
    """Return a hash of the public key at `address`, once chain and name were verified with --ca-file."""
    try:
        with (
            connecting.to(address.host, address.port, TIMEOUT_SECONDS) as plain,
            target.context.wrap_socket(plain, server_hostname=address.host) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
            assert der, "a certificate was verified"
    except ssl.SSLError:
        return None  # Chromium then refuses the certificate itself, and says why
    key = x509.load_der_x509_certificate(der).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


class Chromium:
    def __init__(self, target: Target):
        try:
            from playwright.sync_api import Error, sync_playwright
        except ImportError as error:
            raise NoBrowser(f"pip install 'behindproxy[browser]' brings what drives it ({error})") from None
        executable, flags = find(), list(FLAGS)
        https = target.addresses.get("https")
        if https and (key := verified_key(target, https)):
            # Chromium takes no CA file, and its trust store is another one on each system. This
            # accepts one key only: the leaf's, which Python verified above. (The CA's would be no
            # proof: Chromium looks for the hash among the certificates that the server sends.)
            flags.append(f"--ignore-certificate-errors-spki-list={key}")
        # A HOME of its own, or it leaves .pki, .config and .cache in the user's.
        self.home = tempfile.TemporaryDirectory(prefix="contract-chromium-", ignore_cleanup_errors=True)
        self.playwright = sync_playwright().start()
        try:
            self.browser = self.playwright.chromium.launch(
                executable_path=executable,
                headless=True,
                args=flags,
                # Chromium refuses to run as root with its sandbox.
                chromium_sandbox=os.geteuid() != 0,
                env={
                    **os.environ,
                    "HOME": self.home.name,
                    "XDG_CONFIG_HOME": self.home.name,
                    "XDG_CACHE_HOME": self.home.name,
                },
            )
        except Error as error:
            self.playwright.stop()
            self.home.cleanup()
            reason = error.message.strip().splitlines()
            raise RuntimeError(f"{executable} does not start: {' '.join(reason[:1] + reason[-1:])}") from None

    def close(self) -> None:
        self.browser.close()
        self.playwright.stop()
        self.home.cleanup()
