"""What a text names, where a copy has it elsewhere: make's targets and the deployment's files."""

import re
from dataclasses import dataclass

TARGETS = (
    "up|down|ps|dev|restart|clean|deploy|rollback|logs|swarm-deploy|swarm-ps|swarm-rm|doctor|curl|verify"
)
_TARGET = re.compile(rf"\bmake (?=(?:{TARGETS})\b)")
_FILE = re.compile(
    r"(?<![\w./-])(?=(?:traefik/(?:dynamic\b|traefik\.toml)|docker-compose(?:\.[a-z]+)?\.yml|Dockerfile\b))"
)


@dataclass(frozen=True)
class Places:
    """The Makefile with the deployment's targets, and the folder of its files, both in the project."""

    makefile: str = "Makefile"
    folder: str = ""

    def named(self, text: str) -> str:
        """Return `text`, written for this repository, with the commands and files of the project."""
        if self.makefile != "Makefile":
            text = _TARGET.sub(f"make -f {self.makefile} ", text)
        return _FILE.sub(f"{self.folder}/", text) if self.folder else text
