"""Looks taken twice: what appeared while somebody waited for a lock is seen, or he starts anew."""

from datetime import datetime

import pytest

from domain.errors import TryLater
from domain.facts import FactClass, Move, Report
from ledger import outbox
from ledger.books import reducing
from ledger.inbox import waiting
from ledger.inbox.waiting import Closing
from ledger.settlement import settling
from ledger.store import Books, Store
from tests.builders import ZONE, a_report, at, ron
from tests.desk import WORD, Desk
from tests.ledger.meeting import meet

NOW = at("2026-12-01")


def settle(books: Books, inbox_id: int, report: Report) -> None:
    settling.settle(books, {inbox_id: (report,)}, ZONE)
    waiting.close(books, [Closing(inbox_id, "done")])


def test_a_refund_starts_anew_when_money_for_its_invoice_came_meanwhile(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()
    more = a_report(ron("121"), reference="pi_2", meant_for=invoice.number)
    refund = a_report(
        ron("121"), move=Move.OUT, item="re_1", fact_class=FactClass.REFUND, meant_for=None
    )
    ids = desk.deliver([more], [refund])

    with pytest.raises(TryLater, match="came meanwhile"):
        meet(
            store,
            lambda books: settle(books, ids[0], more),
            lambda books: settle(books, ids[1], refund),
        )
    with store.transaction() as books:
        settle(books, ids[1], refund)

    assert not desk.standing(invoice.id).is_open
    assert desk.differences() == []


def test_a_write_off_starts_anew_when_money_for_its_invoice_came_meanwhile(
    desk: Desk, store: Store
):
    invoice = desk.invoice(desk.open())
    part = a_report(ron("21"), meant_for=invoice.number)
    (event,) = desk.deliver([part])

    with pytest.raises(TryLater, match="came meanwhile"):
        meet(
            store,
            lambda books: settle(books, event, part),
            lambda books: reducing.write_off(books, invoice.id, WORD),
        )
    desk.write_off(invoice.id)

    assert desk.standing(invoice.id).written_off_minor == 10000
    assert desk.differences() == []


def test_a_name_that_got_another_meaning_meanwhile_means_start_anew(desk: Desk, store: Store):
    desk.open()
    told = [a_report(reference=f"pi_{n}", names=["ch_1"], meant_for=None) for n in (1, 2)]
    ids = desk.deliver(*([report] for report in told))

    with pytest.raises(TryLater, match="another meaning"):
        meet(
            store,
            lambda books: settle(books, ids[0], told[0]),
            lambda books: settle(books, ids[1], told[1]),
        )

    assert desk.query("SELECT reference FROM payment_names WHERE name = 'ch_1'") == [("pi_1",)]


def test_an_errand_is_leased_by_one_hand(desk: Desk, store: Store):
    with store.transaction() as books:
        outbox.put(books, outbox.Errand("invoice:1", "letter", "client", "a", {}, NOW))

    leased, waited = meet(store, lambda books: lease(books, NOW), lambda books: lease(books, NOW))

    assert (leased, waited) == (None, True)
    assert desk.query("SELECT fence, attempts FROM outbox") == [(1, 1)]


def lease(books: Books, now: datetime) -> outbox.Leased | None:
    return outbox.lease(books, 1, now)
