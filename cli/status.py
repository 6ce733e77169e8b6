"""`incasso status`: one screen of all that waits, stands still or needs a person."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import moments, opening, shapes
from ledger import migrations, overview
from ledger.overview import LastRow, Overview
from runtime import clock, wiring


def status(as_json: shapes.AsJson = False) -> None:
    """Show what waits, what is dead, what stands still, and what needs a person."""
    store = opening.store()
    with store.snapshot() as books:
        seen = overview.look(books, sorted(wiring.gateways()), clock.now())
    schema = migrations.newest()
    if as_json:
        return shapes.as_json(_plain(seen, schema))
    return _show(seen, schema)


def _plain(seen: Overview, schema: str) -> dict[str, object]:
    return {
        "oldest_waiting": seen.oldest,
        "inbox": {row.name: row.amount for row in seen.inbox},
        "last_events": {
            row.gateway: None if row.id is None else _without_gateway(row) for row in seen.last
        },
        "dead": seen.dead,
        "letters": seen.letters,
        "attention": {row.name: row.amount for row in seen.attention},
        "stops": seen.stops,
        "schema": schema,
        "backup_age_seconds": None,
    }


def _without_gateway(row: LastRow) -> dict[str, object]:
    return {
        "id": row.id,
        "kind": row.kind,
        "received_at": row.received_at,
        "seconds": row.seconds,
    }


def _show(seen: Overview, schema: str) -> None:
    table = Table.grid(padding=(0, 3))
    for name, told in _lines(seen, schema):
        table.add_row(Text(name, "bold"), Text(told))
    Console().print(table)


def _lines(seen: Overview, schema: str) -> Iterator[tuple[str, str]]:
    """The lines of the screen; what belongs to the line before has no name."""
    for row in seen.stops:
        since = moments.shown(row.stopped_at)
        yield "STOPPED", f"{row.what} since {since} UTC by {row.actor}: {row.reason}"
    if seen.oldest is None:
        yield "oldest waiting", "nothing waits"
    else:
        waits = f"{moments.long(seen.oldest.seconds)}: event {seen.oldest.id}"
        yield "oldest waiting", f"{waits}, {seen.oldest.kind} of {seen.oldest.gateway}"
    yield "inbox", ", ".join(f"{row.amount} {row.name}" for row in seen.inbox)
    yield from _block("last event", [_last(row) for row in seen.last], "no gateway is known")
    dead = [f"{row.count} × {row.reason}  (such as event {row.last_id})" for row in seen.dead]
    yield from _block("dead", dead, "none")
    yield "letters", f"{seen.letters.due} due, {seen.letters.waiting} waiting to be sent"
    yield from _block(
        "needs a person", [f"{row.amount} {row.name}" for row in seen.attention], "nothing"
    )
    yield "schema", schema
    yield "last backup", "unknown: a backup command is not built yet"


def _last(row: LastRow) -> str:
    if row.seconds is None:
        return f"{row.gateway}: none"
    return f"{row.gateway}: {moments.long(row.seconds)} ago, {row.kind} (event {row.id})"


def _block(name: str, told: list[str], nothing: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(told or [nothing]):
        yield ("" if number else name), line
