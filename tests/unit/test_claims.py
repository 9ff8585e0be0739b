import re

from tests import troubleshooting
from tests.claims import PATH, text
from tests.experiments.statement import stated

# The document's headings; every sentence under them that can be true or false is one of the claims.
HEADINGS = {
    "Proxy Forwarded Headers",
    "Enable Proxy Forwarded Headers",
    "Redirects with HTTPS",
    "How Proxy Forwarded Headers Work",
    "Proxy with a stripped path prefix",
    "Providing the root_path",
    "Checking the current root_path",
    "Setting the root_path in the FastAPI app",
    "About root_path",
    "About proxies with a stripped path prefix",
    "Testing locally with Traefik",
    "Check the responses",
    "Check the docs UI",
    "Additional servers",
    "Disable automatic server from root_path",
    "Mounting a sub-application",
}


def test_the_list_of_claims_is_the_suite_s():
    assert PATH.read_text() == text(), "make docs writes it"


def test_the_troubleshooting_is_what_can_be_found():
    assert troubleshooting.PATH.read_text() == troubleshooting.text(), "make docs writes it"


def test_each_heading_of_the_document_has_a_check_and_an_experiment():
    checks, _, _ = PATH.read_text().partition("## Statements about the servers themselves")
    assert set(re.findall(r"Behind a Proxy › ([^;|]+?) ?[;|]", checks)) == HEADINGS
    assert {one.heading for one in stated().values()} == HEADINGS
