"""What the other side said, as text that does nothing where it is shown."""

import re

# All but the tab and the end of a line: a terminal would act on them.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return the text with each control character as an escape, so that showing it does nothing."""
    lines = text.replace("\r\n", "\n")
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), lines)


def one_line(text: str) -> str:
    """As `visible`, on one line: what began another could pass for a line of the run's own."""
    return visible(text).replace("\n", "\\n")
