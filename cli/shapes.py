"""How commands print what they found: for programs as JSON, for people as a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.money import Money, decimal_text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def as_json(value: object) -> None:
    """Prints a value; dataclasses become objects, days and instants ISO 8601."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def as_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; where it is too wide, cells fold and nothing is cut off."""
    table = Table(*names, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console().print(table)


def amount(currency: str | None, minor: int | None) -> str:
    """An amount as people write it; nothing where there is none."""
    if currency is None or minor is None:
        return ""
    return f"{decimal_text(Money(currency, minor))} {currency}"


def foreign_text(body: bytes) -> str:
    """A body that came from outside, for a terminal: no sign in it can do anything there."""
    text = body.decode(errors="backslashreplace")
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text
    )


def _plain(value: Any) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return str(value)
