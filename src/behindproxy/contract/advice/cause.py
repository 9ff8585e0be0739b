"""What a cause of red checks is, and what it is judged by."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch

from ..engine.deadline import NO_ANSWER
from . import advice, reference
from .setting import Setting

ANY = ("*",)
ROOT_PATH = r"\broot_path\s*="


class Red:
    """The red checks of a run: `id@entrypoint` with what was observed there."""

    def __init__(
        self,
        observed: dict[str, str],
        setting: Setting | None = None,
        passes: Iterable[str] = (),
        places: Iterable[str] = (),
    ):
        self.observed, self.setting = observed, setting or Setting()
        self.passes, self.places = passes, places

    def passed(self, id: str) -> bool:
        """Did the check pass on some entrypoint?"""
        return any(place.startswith(f"{id}@") for place in self.passes)

    def hosts_elsewhere(self) -> list[str]:
        """Return the beginnings of a Location that names no host of the deployment."""
        location = self.seen("redirect.keeps_prefix@http*")
        origins = re.findall(r"https?://[^/:\s]+", location)
        return origins if origins and not any(host in origins[0] for host in self.setting.hosts) else ["\0"]

    def __call__(self, pattern: str) -> bool:
        """Return whether a check is red that fits `id@entrypoint`, with wildcards; without @, at any. One
        without a response says nothing of what it would have shown."""
        return bool(self.seen(pattern))

    def spared(self, pattern: str) -> bool:
        """Did a check that fits run, and is none of them red? A narrowed run says nothing of others."""
        return not self._at(pattern) and any(fnmatch(place, _whole(pattern)) for place in self.places)

    def seen(self, pattern: str) -> str:
        """Return what was observed at the first place that fits."""
        return next((text or "red" for text in self._at(pattern) if not text.startswith(NO_ANSWER)), "")

    def says(self, pattern: str, *words: str) -> bool:
        """Return whether a red place that fits shows one of `words`. A status is no part of a port."""
        patterns = [rf"(?<![\d:.]){word}(?!\d)" if word.isdigit() else re.escape(word) for word in words]
        return any(re.search(one, text) for text in self._at(pattern) for one in patterns)

    def _at(self, pattern: str) -> list[str]:
        return [text for place, text in self.observed.items() if fnmatch(place, _whole(pattern))]

    def without(self, explained: Iterable[str]) -> "Red":
        return Red(
            {
                place: text
                for place, text in self.observed.items()
                if not any(fnmatch(place, pattern) for pattern in explained)
            },
            self.setting,
            self.passes,
            self.places,
        )


def _whole(pattern: str) -> str:
    return pattern if "@" in pattern else f"{pattern}@*"


@dataclass(frozen=True)
class Cause:
    id: str
    says: str
    fits: Callable[[Red], bool]
    explains: tuple[str, ...] = ANY
    line: str = ""  # the pattern of the line to change, where the application is at fault

    def fix_for(self, setting: Setting) -> str:
        """Return the change that removes it, for this proxy and this server."""
        ours = reference.CAUSES.get(self.id, "")
        if setting.ours and setting.places.has(ours):
            return setting.places.named(ours)
        return advice.change(self.id, setting)


def public_404(red: Red) -> bool:
    return red.says("app.root_path@http*", "404") or red.says("app.answers@http*", "404")


def proxys_own_404(red: Red) -> bool:
    """Return whether a 404 is the proxy's. The application's own is JSON, which
    app.not_found_is_the_applications demands. That needs a schema, which is not found either where the
    public address alone is known."""
    return public_404(red) and (
        red("app.not_found_is_the_applications@http*") or red.says("app.answers@http*", "404 from the proxy")
    )
