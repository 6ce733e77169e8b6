"""`incasso events`: what arrived, how far it came, and what one event left behind."""

from collections.abc import Sequence
from typing import Annotated, assert_never

import typer

from cli import asked, moments, opening, shapes
from domain.errors import Refused
from domain.facts import Approval, Ask, AttemptEnd, Flag, Ignored, Report, Told
from ledger.inbox import events
from ledger.inbox.events import EventRow, FactRow, MovedRow, State, TryRow, Wanted
from runtime import clock, wiring
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
    """Show one event: its tries, and what is known and posted of the payments it tells of."""
    with opening.store().snapshot() as books:
        event = events.find(books, id_)
        if event is None:
            raise Refused("unknown_event", f"there is no event {id_}")
        body = events.raw(books, id_)
        names, says = _read(event, body)
        tries, facts = events.tries(books, id_), events.facts(books, event, names)
        postings = events.postings(books, [fact.id for fact in facts])
    if as_json:
        told = {"event": event, "says": says, "tries": tries, "facts": facts, "postings": postings}
        return shapes.as_json(told | ({"raw": shapes.foreign_text(body)} if with_raw else {}))
    _show_event(event)
    typer.echo(f"  says {says}")
    _show_tries(tries)
    _show_facts(facts, id_)
    _show_postings(postings)
    return typer.echo(f"\n{shapes.foreign_text(body)}") if with_raw else None


def _read(event: EventRow, body: bytes) -> tuple[set[str], str]:
    """The names of the payments it tells of, as this version reads it, and what it says."""
    gateway = wiring.gateways().get(event.gateway)
    if gateway is None:
        return set(), f"nothing here: {event.gateway} is not configured"
    try:
        reading = gateway.read(body)
    except Refused as refusal:
        return set(), f"nothing that makes sense: {refusal}"
    except Exception as error:  # noqa: BLE001 - events that break our code are shown like any other
        return set(), f"what breaks our code: {type(error).__name__}: {error}"
    if isinstance(reading, Ignored):
        return set(), f"nothing about our money: {reading.reason}"
    names = {name for each in reading for name in _names(each)}
    about = ", ".join(sorted({_names(each)[0] for each in reading if _names(each)}))
    return names, f"something of {about}" if about else "how an attempt to pay ended"


def _names(told: Told) -> tuple[str, ...]:
    """The names of the payment it is about; the main one as told comes first."""
    match told:
        case Report():
            return tuple(dict.fromkeys((told.fact.key.reference, *told.names)))
        case Ask():
            return (told.reference,)
        case Approval():
            return (told.order,)
        case AttemptEnd() | Flag():
            return ()
        case _:
            assert_never(told)


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


def _show_facts(facts: Sequence[FactRow], event_id: int) -> None:
    typer.echo("\nWhat is known of its payments:" if facts else "\nIt left no fact.")
    for fact in facts:
        amount = shapes.amount(fact.currency, fact.amount_minor)
        name = f"{fact.reference} {fact.move} {fact.item}".strip()
        by = "it" if fact.inbox_id == event_id else f"event {fact.inbox_id}"
        typer.echo(f"  {name}: {fact.fact_class} {fact.status}, {amount}; last told by {by}")


def _show_postings(postings: Sequence[MovedRow]) -> None:
    if not postings:
        return typer.echo("\nNothing was posted.")
    typer.echo("\nWhat was posted for them:")
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
