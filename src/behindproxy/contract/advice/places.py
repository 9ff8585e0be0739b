"""What a text names, where a copy has it elsewhere: make's targets, the deployment's files, documents."""

import re
from dataclasses import dataclass

TARGETS = (
    "up|down|ps|dev|restart|clean|deploy|rollback|logs|swarm-deploy|swarm-ps|swarm-rm|doctor|curl|verify"
)
TOOL = ".behindproxy/venv/bin/behindproxy"  # where a copy's Makefile installs it
_TARGET = re.compile(rf"\bmake (?=(?:{TARGETS})\b)")
_FILE = re.compile(
    r"(?<![\w./-])(?=(?:traefik/(?:dynamic\b|traefik\.toml)|docker-compose(?:\.[a-z]+)?\.yml|Dockerfile\b))"
)
_PAGE = re.compile(r"(?<![\w./-])docs/([a-z-]+)\.md\b")
_MODULE = re.compile(r"(?<![\w./-])behindproxy_serve/([\w/]+)\.py\b")
_SOURCE = re.compile(r"(?<![\w./-])src/(?=behindproxy_serve/)")  # a copy has the package
_HERE_ALONE = re.compile(  # of the demonstration
    r"(?<![\w./-])(?:app|requirements|src(?!/behindproxy_serve/))/[\w/]+\.\w+"
)
_EXAMPLE = re.compile(r"(?<![\w./-])\.env\.example\b")


@dataclass(frozen=True)
class Places:
    """The Makefile with the deployment's targets and the folder of its files, both in the project; and the
    tool, where that has the documents, and not a clone."""

    makefile: str = "Makefile"
    folder: str = ""
    tool: str = ""

    def has(self, text: str) -> bool:
        """Return whether the project has each file that `text`, written for this repository, names."""
        return not (self.tool and _HERE_ALONE.search(text))

    def named(self, text: str) -> str:
        """Return `text`, written for this repository, with the commands and files of the project."""
        if self.makefile != "Makefile":
            text = _TARGET.sub(f"make -f {self.makefile} ", text)
        if self.tool:
            text = _PAGE.sub(rf"{self.tool} manual \1", text)
            text = _SOURCE.sub("", text)
            text = _MODULE.sub(lambda match: f"behindproxy_serve.{match[1].replace('/', '.')}", text)
            text = _EXAMPLE.sub(f"{self.tool} settings --format env", text)
        return _FILE.sub(f"{self.folder}/", text) if self.folder else text
