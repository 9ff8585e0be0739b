"""`python -m behindproxy`: the `behindproxy` command where no script of it is installed."""

from .cli import main

main(prog_name="behindproxy")
