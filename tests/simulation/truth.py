"""After every step: the laws of the books, and the model, hold exactly."""

from ledger.books import audit
from tests.simulation.model import Payment
from tests.simulation.world import World


def check(world: World) -> None:
    """Raises AssertionError naming what is not as it must be."""
    with world.plain.snapshot() as books:
        differences = list(audit.audit(books))
    assert not differences, differences
    _check_inbox(world)
    payments = world.settled()
    _check_payments(world, payments)
    _check_invoices(world, payments)


def check_all_settled(world: World) -> None:
    """At the end: nothing waits, nothing is lost, every byte is there as it came."""
    assert not world.undelivered
    states = dict(world.look("SELECT event_id, state FROM inbox"))
    told = {event.id: "ignored" if event.tells is None else "done" for event in world.shop.events}
    assert states == told
    bodies = {event.id: event.body for event in world.shop.events}
    assert dict(world.look("SELECT event_id, raw FROM inbox")) == bodies
    assert world.settled() == world.reported()
    assert world.look("SELECT id FROM tries") == []


def check_chased(world: World) -> None:
    """At the very end, when everybody had every chance to pay: who still owes has had a letter."""
    payments = world.settled()
    reminded = set(world.letters.values())
    for invoice in world.model.invoices.values():
        is_sure = world.model.is_tight(invoice, payments)
        if is_sure and world.model.may_be_chased(invoice, payments):
            assert invoice.number in reminded, f"{invoice.number} is owed and nobody was told"


def _check_inbox(world: World) -> None:
    kept = [event_id for (event_id,) in world.look("SELECT event_id FROM inbox")]
    assert len(kept) == len(set(kept))
    assert world.acknowledged <= set(kept), "an event that was answered 2xx is gone"
    assert set(kept) <= {event.id for event in world.shop.events}, "nobody told that"


def _check_payments(world: World, payments: dict[str, Payment]) -> None:
    booked = world.look(
        "SELECT gateway_reference, amount_minor, returned_minor, lost_minor FROM payments"
    )
    true = {
        (name, p.received_minor, p.returned_minor, p.lost_minor) for name, p in payments.items()
    }
    assert set(booked) == true
    assert len(booked) == len(true)


def _check_invoices(world: World, payments: dict[str, Payment]) -> None:
    """Exactly what the model says where money has one place to go, never more elsewhere."""
    model = world.model
    booked = world.look(
        "SELECT id, state, paid_minor, credited_minor, written_off_minor FROM invoices ORDER BY id"
    )
    assert [row[0] for row in booked] == sorted(model.invoices)
    for id_, state, paid_minor, *reduced in booked:
        invoice = model.invoices[id_]
        assert (state, *reduced) == (
            *(invoice.state, invoice.credited_minor),
            invoice.written_off_minor,
        )
        most_minor = model.most_paid(invoice, payments)
        is_tight = model.is_tight(invoice, payments)
        assert paid_minor == most_minor or (not is_tight and paid_minor < most_minor), invoice
        world.done["loose"] += not is_tight
    ((credit_minor,),) = world.look(
        "SELECT coalesce(sum(unapplied_minor + unidentified_minor), 0)::bigint FROM payments"
    )
    kept_minor = sum(payment.kept_minor for payment in payments.values())
    assert credit_minor == kept_minor - sum(row[2] for row in booked)
