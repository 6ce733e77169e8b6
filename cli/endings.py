"""How a command or a child ends: what was to be expected is one line and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from domain.errors import Refused, TryLater

FAILED = 1
WRONG_SCHEMA = 3
_INTERRUPTED = 130


@contextmanager
def plain() -> Iterator[None]:
    """Turns expected failures into an exit without a traceback."""
    try:
        yield
    except Refused as refused:
        _fail(refused.detail, WRONG_SCHEMA if refused.code == "wrong_schema" else FAILED)
    except TryLater as busy:
        _fail(f"{busy}; try again in {busy.after.total_seconds():.0f} s", FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _fail(reason: str, code: int) -> NoReturn:
    typer.echo(f"incasso: {reason}", err=True)
    sys.exit(code)
