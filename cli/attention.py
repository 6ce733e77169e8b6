"""`incasso attention`: what needs a person, and saying how it was resolved."""

from collections.abc import Sequence
from getpass import getuser
from typing import Annotated

import typer

from cli import asked, opening, shapes
from domain.attention import AttentionKind
from ledger.books import attention
from ledger.books.attention import OpenRow
from ledger.settlement import captures, lookups
from web.api.fields import LongLine

_MOST = 500

app = typer.Typer(invoke_without_command=True, help="List what needs a person, or resolve it.")


@app.callback()
def _open(
    context: typer.Context,
    kind: Annotated[AttentionKind | None, typer.Option(help="Only of this kind.")] = None,
    as_json: shapes.AsJson = False,
) -> None:
    """List what needs a person, longest waiting first; attempts without an end come last."""
    if context.invoked_subcommand is None:
        with opening.store().snapshot() as books:
            rows = attention.open_rows(books, _MOST, kind)
        (shapes.as_json if as_json else _show)(rows)


def _show(rows: Sequence[OpenRow]) -> None:
    if not rows:
        return typer.echo("Nothing needs a person.")
    return shapes.as_table(
        ("id", "since", "kind", "subject", "amount", "detail"),
        [
            (
                str(row.id),
                f"{row.opened_at:%Y-%m-%d %H:%M}",
                row.kind,
                row.subject,
                shapes.amount(row.currency, row.amount_minor),
                row.detail or "",
            )
            for row in rows
        ],
    )


@app.command("resolve")
def _resolve(
    id_: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    how: Annotated[str, typer.Option(help="What was done about it.")],
) -> None:
    """Close one of them, saying what was done about it."""
    said = asked.text(LongLine, how, "--how")
    with opening.store().transaction() as books:
        attention.resolve_by_id(books, id_, f"cli:{getuser()}", said)
        lookups.let_go(books, id_, said)
        captures.let_go(books, id_)
    typer.echo(f"Resolved {id_}.")
