"""`incasso why`: why an invoice is paid, or is not, back to what the gateway told byte for byte."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from cli import asked, moments, naming, opening, shapes
from domain.invoices import Standing, status
from ledger.books import origins
from ledger.books.origins import FactRow, Origin
from ledger.inbox import events
from ledger.store import Books
from runtime import clock
from runtime.settings import settings
from web.api.fields import Code


def why(
    invoice: Annotated[str, typer.Argument(help="Its number, like INV-0003, or its id.")],
    with_raw: Annotated[
        bool, typer.Option("--raw", help="With each delivery's body; it holds personal data.")
    ] = False,
    as_json: shapes.AsJson = False,
) -> None:
    """Show every posting of an invoice and its payments: who made it, and what it was told by."""
    name = asked.text(Code, invoice, "INVOICE")
    with opening.store().snapshot() as books:
        found = naming.invoice(books, name)
        origins_ = origins.of_invoice(books, found.id)
        bodies = _bodies(books, origins_) if with_raw else {}
    if as_json:
        return shapes.as_json(_plain(found, origins_) | ({"raw": bodies} if with_raw else {}))
    return _show(found, origins_, bodies)


def _bodies(books: Books, found: Sequence[Origin]) -> Mapping[int, str]:
    """The bodies of the deliveries, by event."""
    told = sorted({fact.event for each in found for fact in each.facts})
    return {event: shapes.foreign_text(events.raw(books, event)) for event in told}


def _status(invoice: Standing) -> str:
    return status(invoice, clock.now().astimezone(settings().zone).date())


def _plain(invoice: Standing, found: Sequence[Origin]) -> dict[str, object]:
    return {
        "invoice": invoice.number,
        "status": _status(invoice),
        "currency": invoice.currency,
        "total_minor": invoice.total_minor,
        "paid_minor": invoice.paid_minor,
        "open_minor": invoice.open_minor,
        "postings": found,
    }


def _show(invoice: Standing, found: Sequence[Origin], bodies: Mapping[int, str]) -> None:
    paid, total = (
        shapes.amount(invoice.currency, minor)
        for minor in (invoice.paid_minor, invoice.total_minor)
    )
    typer.echo(f"{invoice.number or 'This draft'} is {_status(invoice)}: {paid} of {total}")
    if not found:
        typer.echo("Nothing was ever posted for it.")
    for each in found:
        _show_posting(each)
    for event, body in bodies.items():
        typer.echo(f"\nevent {event}, as it arrived:\n{body}")


def _show_posting(origin: Origin) -> None:
    posting, act = origin.posting, origin.act
    amount = shapes.amount(posting.currency, posting.amount_minor)
    taken_back = f", takes back posting {posting.reverses}" if posting.reverses else ""
    typer.echo(
        f"\n{posting.id}. {posting.kind}  {posting.source} → {posting.destination}  {amount}"
        f"  on {posting.effective_on}{taken_back}"
    )
    because = f", because: {act.reason}" if act.reason else ""
    typer.echo(
        f"   by {act.actor}: {act.act}, act {act.id}, {moments.shown(act.recorded_at)} UTC{because}"
    )
    for fact in origin.facts:
        _show_fact(fact, is_its_own=posting.fact_id == fact.id, settled=act.events)


def _show_fact(fact: FactRow, *, is_its_own: bool, settled: Sequence[int]) -> None:
    """The fact in full where it moved the money; by name where its money was only moved on."""
    name = f"{fact.reference} {fact.move} {fact.item}".rstrip()
    if not is_its_own:
        return typer.echo(f"   money of {name}, told by event {fact.event}")
    amount = shapes.amount(fact.currency, fact.amount_minor)
    typer.echo(f"   fact {name}: {fact.fact_class} {fact.status}, {amount}")
    since = "" if fact.event in settled else ", which changed the fact since"
    typer.echo(
        f"   told by event {fact.event}{since}: {fact.event_kind} {fact.event_id}, a"
        f" {fact.event_source} of {fact.gateway} ({fact.account})"
    )
    return typer.echo(f"   received {moments.shown(fact.received_at)} UTC, sha256 {fact.sha256}")
