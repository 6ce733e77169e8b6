"""`incasso events`: what arrived, how far it came, and what one event left behind."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli import asked, moments, opening, shapes
from domain.errors import Refused
from ledger.inbox import events
from ledger.inbox.events import EventRow, FactRow, MovedRow, State, TryRow, Wanted
from runtime import clock
from web.api.fields import Code, LongLine

app = typer.Typer(invoke_without_command=True, help="List what arrived, or show one event.")

MOST_NUMBER = 2**63 - 1
Number = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=MOST_NUMBER, help="Its number in the list.")
]


@app.callback()
def _list(
    context: typer.Context,
    *,
    state: Annotated[list[State] | None, typer.Option(help="May be given several times.")] = None,
    reason: Annotated[str | None, typer.Option(help="Part of the reason.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Such as stripe.")] = None,
    older: Annotated[str | None, typer.Option(help="Arrived longer ago, such as 10m.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: shapes.AsJson = False,
) -> None:
    """List events, latest arrival first."""
    if context.invoked_subcommand is not None:
        return None
    wanted = Wanted(
        states=tuple(state or State),
        reason=asked.text_if_given(LongLine, reason, "--reason"),
        gateway=asked.text_if_given(Code, gateway, "--gateway"),
        before=clock.now() - moments.span(older) if older is not None else None,
    )
    with opening.store().snapshot() as books:
        rows = events.newest(books, wanted, limit + 1)
    if as_json:
        return shapes.as_json(rows[:limit])
    return _show_list(rows[:limit], is_all=len(rows) <= limit)


@app.command("show")
def _show(
    id_: Number,
    with_raw: Annotated[
        bool, typer.Option("--raw", help="With the body as it arrived; it holds personal data.")
    ] = False,
    as_json: shapes.AsJson = False,
) -> None:
    """Show one event: its tries, the facts it told, what was posted for their payments."""
    with opening.store().snapshot() as books:
        event = events.find(books, id_)
        if event is None:
            raise Refused("unknown_event", f"there is no event {id_}")
        tries, facts = events.tries(books, id_), events.facts(books, id_)
        postings = events.postings(books, [fact.id for fact in facts])
        raw = shapes.foreign_text(events.raw(books, id_)) if with_raw else None
    if as_json:
        told = {"event": event, "tries": tries, "facts": facts, "postings": postings}
        return shapes.as_json(told if raw is None else told | {"raw": raw})
    _show_event(event)
    _show_tries(tries)
    _show_facts(facts)
    _show_postings(postings)
    return typer.echo(f"\n{raw}") if raw is not None else None


def _show_list(rows: Sequence[EventRow], *, is_all: bool) -> None:
    if not rows:
        return typer.echo("No such event.")
    shapes.as_table(
        ("id", "received (UTC)", "state", "gateway", "kind", "event", "tries", "reason"),
        [
            (
                *(str(row.id), moments.shown(row.received_at), row.state, row.gateway, row.kind),
                *(row.event_id, str(row.tries), row.reason or ""),
            )
            for row in rows
        ],
    )
    return None if is_all else typer.echo(f"… and more; these are the latest {len(rows)}.")


def _show_event(event: EventRow) -> None:
    settled_at = "" if event.settled_at is None else f" since {moments.shown(event.settled_at)} UTC"
    typer.echo(f"Event {event.id}  {event.event_id}  {event.kind}")
    typer.echo(f"  {event.source} of {event.gateway}, {event.account}")
    typer.echo(f"  received {moments.shown(event.received_at)} UTC, sha256 {event.sha256}")
    typer.echo(f"  {event.state}{settled_at}{f': {event.reason}' if event.reason else ''}")


def _show_tries(tries: Sequence[TryRow]) -> None:
    typer.echo("\nTries that did not end well:" if tries else "\nNo try failed or is under way.")
    for each in tries:
        how = "alone" if each.is_alone else "among others"
        said = each.reason or "without a word so far"
        typer.echo(f"  {moments.shown(each.started_at)}  {how}: {said}")


def _show_facts(facts: Sequence[FactRow]) -> None:
    typer.echo("\nFacts it told last:" if facts else "\nNo fact stands by its word.")
    for fact in facts:
        amount = shapes.amount(fact.currency, fact.amount_minor)
        name = f"{fact.reference} {fact.move} {fact.item}".strip()
        typer.echo(f"  {name}: {fact.fact_class} {fact.status}, {amount}")


def _show_postings(postings: Sequence[MovedRow]) -> None:
    if not postings:
        return typer.echo("\nNothing was posted.")
    typer.echo("\nPosted for their payments:")
    return shapes.as_table(
        ("posting", "act", "kind", "from", "to", "amount"),
        [
            (
                *(str(each.id), str(each.act_id), each.kind, each.source, each.destination),
                shapes.amount(each.currency, each.amount_minor),
            )
            for each in postings
        ],
    )
