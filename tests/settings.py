"""`python -m tests.settings`: writes .env.example and docs/settings.md from the settings table."""

from behindproxy.settings import pages
from behindproxy.stack.paths import ROOT
from behindproxy.stack.render import write

PAGES = {ROOT / ".env.example": pages.env, ROOT / "docs" / "settings.md": pages.markdown}

if __name__ == "__main__":
    for path, text in PAGES.items():
        write(path, text())
        print(path.relative_to(ROOT))
