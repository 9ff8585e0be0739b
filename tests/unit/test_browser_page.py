"""How a page is looked at while it is still being is_drawn."""

from types import SimpleNamespace

import pytest

from behindproxy.contract.engine.browser import GAVE_UP, Page
from behindproxy.contract.engine.expect import Unexpected

sync_api = pytest.importorskip("playwright.sync_api")


class Element:
    """One that is is_drawn between the end of the wait and the look at why nothing came."""

    def __init__(self, *, is_drawn: bool):
        self.is_drawn, self.first = is_drawn, self

    def wait_for(self, timeout: float) -> None:
        raise sync_api.TimeoutError("500 ms")

    def is_visible(self) -> bool:
        return self.is_drawn

    def inner_text(self) -> str:
        return "Failed to load"


def looking(*, is_drawn: bool) -> Page:
    page = Page.__new__(Page)
    elements = {
        "#there": Element(is_drawn=is_drawn),
        GAVE_UP: Element(is_drawn=True),
        "body": Element(is_drawn=True),
    }
    page.page = SimpleNamespace(locator=elements.__getitem__)
    page.scriptless, page.disturbed, page.out_of_reach = False, False, []
    page.raw_complaints, page.stopped_urls = [], set()
    return page


def test_an_error_that_is_looked_for_is_found_when_it_comes_at_the_last_moment():
    page = looking(is_drawn=True)
    assert page.see("#there", "error") is page.page.locator("#there")


def test_what_does_not_come_is_not_waited_for_when_the_page_gave_up():
    with pytest.raises(Unexpected, match="Failed to load"):
        looking(is_drawn=False).see("#there", "error")
