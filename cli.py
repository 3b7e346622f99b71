"""clippings: all commands, each from the package it belongs to."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from app import COMMANDS as APP
from eval.__main__ import COMMANDS as EVAL
from index import terminal
from index.__main__ import COMMANDS as INDEX
from qa.__main__ import COMMANDS as QA


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    description = "Answers from an archive of articles, in the sentences that say it: quoted verbatim, cited, offline."
    return terminal.main("clippings", description, [*INDEX, *QA, *APP, *EVAL], argv)


if __name__ == "__main__":
    sys.exit(main())
