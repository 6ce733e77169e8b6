"""What a replay would change, as people and programs read it."""

from collections.abc import Sequence

import typer

from cli import shapes
from domain.errors import Refused
from domain.facts import Reading
from ledger.inbox.waiting import WaitingRow
from ledger.settlement import rehearsing
from ledger.settlement.rehearsing import Rehearsal
from ledger.store import Store
from runtime import wiring
from runtime.settings import settings

# Their payments and invoices stay locked meanwhile, and workers wait for a lock 5 seconds at most.
MOST = 1_000


def show(store: Store, ids: Sequence[int], *, as_json: bool) -> None:
    """Settles the events in a transaction that is rolled back, and shows what it did."""
    seen = rehearsing.rehearse(store, ids, _read, settings().zone)
    if as_json:
        return shapes.as_json(seen)
    if not seen.events:
        return typer.echo("Nothing to put back: no such event, or it waits already.")
    _show_events(seen)
    _show_money(seen)
    _show_attention(seen)
    if len(ids) == MOST:
        typer.echo(f"These are the oldest {MOST}; there may be more.")
    return typer.echo("Nothing was changed: this was a dry run.")


def _read(row: WaitingRow) -> Reading | Refused | None:
    """As a worker reads it; what breaks our code ends as dead, and the others are seen as well.

    None when its gateway, or its account, is not configured just now: the event would wait.
    """
    gateway = wiring.gateways().get(row.gateway)
    if gateway is None or gateway.account != row.account:
        return None
    try:
        return gateway.read(row.raw)
    except Refused as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001 - our own bug is what a dry run may be asked about
        return rehearsing.fails(error)


def _show_events(seen: Rehearsal) -> None:
    shapes.as_table(
        ("event", "", "is", "would be", "because"),
        [
            (str(each.id), each.event_id, each.before, each.after, each.reason or "")
            for each in seen.events
        ],
    )


def _show_money(seen: Rehearsal) -> None:
    if not seen.postings:
        return typer.echo("\nNothing would be posted.\n")
    typer.echo("")
    shapes.as_table(
        ("would post", "from", "to", "amount", "payment", "invoice"),
        [
            (
                *(each.kind, each.source, each.destination),
                shapes.amount(each.currency, each.amount_minor),
                *(each.payment or "", each.invoice or ""),
            )
            for each in seen.postings
        ],
    )
    for payment in seen.payments:
        amount = shapes.amount(payment.currency, payment.amount_minor)
        rest = shapes.amount(payment.currency, payment.unapplied_minor)
        new = "new payment" if payment.is_new else "payment"
        typer.echo(f"\n{new} {payment.reference or ''}: {amount}, {rest} of it unapplied")
    for invoice in seen.invoices:
        before = shapes.amount(invoice.currency, invoice.open_before_minor)
        after = shapes.amount(invoice.currency, invoice.open_after_minor)
        typer.echo(f"invoice {invoice.number or 'draft'}: open {before} → {after}")
    return typer.echo("")


def _show_attention(seen: Rehearsal) -> None:
    for each in seen.opened:
        typer.echo(f"would need a person: {each.kind} {each.subject} {each.detail or ''}".rstrip())
    for each in seen.resolved:
        typer.echo(f"would be resolved: {each.kind} {each.subject}")
