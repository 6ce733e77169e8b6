"""Fees are booked once each, in any order, and take nothing from any payment."""

from itertools import permutations
from typing import Any

import pytest

from domain.facts import FactClass, Move, Report, Trust
from ledger.books import origins
from ledger.store import Store
from tests.builders import a_report, at, eur, ron
from tests.desk import Desk
from tests.ledger.test_lookups import tell

KEPT = ("fee", "outside:fees", "outside:stripe:own/test", 150)
BACK = ("fee", "outside:stripe:own/test", "outside:fees", 50)


def a_fee(money: Any = None, item: str = "txn_1", **fields: Any) -> Report:
    told: dict[str, Any] = {"move": Move.FEE, "fact_class": FactClass.FEE, "meant_for": None}
    return a_report(money or ron("1.50"), item=item, **told | fields)


def fees(desk: Desk) -> list[tuple[str, str, str, int]]:
    return sorted(posting for posting in desk.postings() if posting[0] == "fee")


def test_fees_and_what_is_given_back_of_them_are_booked_once_in_any_order(desk: Desk):
    client, orders = desk.open(), 0
    for order in permutations(range(3)):
        invoice = desk.invoice(client)
        name = f"pi_{orders}"
        told = [
            a_report(ron("121"), reference=name, meant_for=invoice.number),
            a_fee(reference=name),
            a_fee(ron("0.50"), "txn_2", reference=name, move=Move.REBATE),
        ]
        tell(desk, *(told[n] for n in order), *(told[n] for n in order))
        orders += 1
        assert fees(desk) == sorted([KEPT, BACK] * orders)
        assert desk.standing(invoice.id).paid_minor == 12100

    assert orders == 6
    assert [payment.unapplied_minor for payment in desk.payments()] == [0] * orders
    assert desk.attention() == []
    assert desk.differences() == []


def test_a_fee_may_be_in_another_currency_than_its_payment(desk: Desk):
    invoice = desk.invoice(desk.open())
    tell(desk, a_report(ron("121"), meant_for=invoice.number), a_fee(eur("0.30")))

    assert desk.query("SELECT currency, amount_minor FROM postings WHERE kind = 'fee'") == [
        ("EUR", 30)
    ]
    assert desk.differences() == []


def test_a_fee_waits_for_its_payment_and_asks_nobody_about_it(desk: Desk):
    desk.open()
    tell(desk, a_fee())

    assert desk.payments() == []
    assert desk.query("SELECT * FROM outbox") == []
    tell(desk, a_report(ron("121")))

    assert fees(desk) == [KEPT]
    assert desk.differences() == []


@pytest.mark.parametrize("answered", ["1.00", "2.00"])
def test_a_fee_that_was_told_wrongly_is_corrected_by_the_answer(desk: Desk, answered: str):
    desk.open()
    tell(desk, a_report(ron("121")), a_fee(), a_fee(ron(answered), trust=Trust.LOOKUP), a_fee())

    sums = "sum(CASE source WHEN 'outside:fees' THEN amount_minor ELSE -amount_minor END)"
    assert desk.query(f"SELECT {sums} FROM postings WHERE kind = 'fee'") == [(ron(answered).minor,)]
    assert "fact_disagrees" in {kind for kind, _ in desk.attention()}
    assert desk.differences() == []


def test_a_fee_is_on_its_own_day_and_leaves_a_refund_on_its_own(desk: Desk):
    invoice = desk.invoice(desk.open())
    tell(
        desk,
        a_report(ron("121"), meant_for=invoice.number),
        a_fee(happened_at=at("2026-12-24T10:00")),
        a_report(
            ron("21"),
            move=Move.OUT,
            item="re_1",
            fact_class=FactClass.REFUND,
            meant_for=None,
            happened_at=at("2026-12-01T10:00"),
        ),
    )

    assert desk.query(
        "SELECT kind, effective_on::text FROM postings WHERE kind IN ('fee', 'refund') ORDER BY 1"
    ) == [("fee", "2026-12-24"), ("refund", "2026-12-01")]


def test_a_fee_leads_back_to_what_told_it(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    tell(desk, a_report(ron("121"), meant_for=invoice.number), a_fee())

    with store.snapshot() as books:
        *_, fee = origins.of_invoice(books, invoice.id)

    assert fee.posting.kind == "fee"
    (fact,) = fee.facts
    assert (fact.move, fact.item, fact.event_id) == ("fee", "txn_1", "evt_2")
