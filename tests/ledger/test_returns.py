"""Money that went back, in the books: reopened invoices are held, and other credit steps in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from domain.errors import Refused, TryLater
from domain.facts import FactClass, Move, Report, Status
from ledger.books import holdings, holds
from ledger.inbox import waiting
from ledger.inbox.waiting import Closing
from ledger.letters import reminders
from ledger.settlement import settling
from ledger.store import Store
from tests.builders import TODAY, ZONE, a_report, at, ron
from tests.desk import Desk

LATER = at("2027-06-01")


def a_refund(amount: str, item: str = "re_1", **fields: Any) -> Report:
    told: dict[str, Any] = {"fact_class": FactClass.REFUND, "meant_for": None}
    return a_report(ron(amount), move=Move.OUT, item=item, **told | fields)


def test_a_refund_reopens_its_invoice_and_nobody_is_chased_for_it(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()

    desk.deliver([a_refund("21")])
    desk.settle()

    assert desk.standing(invoice.id).open_minor == 2100
    assert desk.attention() == [("refunded", f"invoice:{invoice.id}")]
    assert desk.query("SELECT returned_minor, unapplied_minor FROM payments") == [(2100, 0)]
    with store.transaction() as books:
        assert reminders.plan(books, ZONE) == 0
        assert not reminders.write(books, invoice.id, LATER)
    assert desk.differences() == []


def test_the_reminders_of_an_invoice_that_never_closed_are_held_too(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    for told in (a_report(ron("100"), meant_for=invoice.number), a_refund("50")):
        desk.deliver([told])
        desk.settle()
    assert desk.query("SELECT DISTINCT state FROM reminders") == [("planned",)]

    with store.transaction() as books:
        assert not reminders.write(books, invoice.id, LATER)

    assert desk.query("SELECT * FROM outbox WHERE effect = 'letter'") == []


def test_a_refund_that_comes_before_its_payment_waits_for_it(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_refund("21")])
    desk.settle()
    assert desk.payments() == []

    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()

    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.differences() == []


def test_a_failed_refund_pays_the_invoice_again(desk: Desk):
    invoice = desk.invoice(desk.open())
    for told in (
        a_report(ron("121"), meant_for=invoice.number),
        a_refund("121"),
        a_refund("121", status=Status.FAILED),
    ):
        desk.deliver([told])
        desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert desk.query("SELECT returned_minor FROM payments") == [(0,)]
    assert desk.differences() == []


def test_a_refund_is_settled_though_the_credit_it_meets_is_meant_for_other_invoices_too(desk: Desk):
    client = desk.open()
    one, two = desk.invoice(client), desk.invoice(client)
    for reference, invoice, amount in (
        ("pi_1", one, "121"),
        ("pi_2", one, "5"),
        ("pi_3", two, "130"),
    ):
        desk.deliver([a_report(ron(amount), reference=reference, meant_for=invoice.number)])
        desk.settle()
    desk.query(
        f"INSERT INTO intents (payment_id, position, invoice_id) VALUES (2, 1, {two.id})"
        " RETURNING position"
    )

    desk.deliver([a_refund("21", reference="pi_1")])
    desk.settle()

    assert desk.standing(one.id).paid_minor == 10500
    assert desk.differences() == []


def test_however_often_an_invoice_was_overpaid_a_refund_locks_what_could_pay_it_again(
    desk: Desk, store: Store
):
    invoice = desk.invoice(desk.open())
    for number, amount in enumerate(("121", "60", "40", "30", "121", "121"), start=1):
        desk.deliver([a_report(ron(amount), reference=f"pi_{number}", meant_for=invoice.number)])
        desk.settle()

    with store.transaction() as books:
        assert holdings.sharing(books, [1]) == [1, 2, 3, 4]
        assert holdings.sharing(books, [1, 3]) == [1, 2, 3, 4, 5]
    desk.deliver([a_refund("121", reference="pi_1")], [a_refund("40", reference="pi_3")])
    desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert desk.query("SELECT id, unapplied_minor FROM payments ORDER BY id") == [
        *((1, 0), (2, 0), (3, 0), (4, 0), (5, 9000), (6, 12100))
    ]
    assert desk.differences() == []


def test_credit_that_may_go_elsewhere_does_not_stand_for_others(desk: Desk, store: Store):
    client = desk.open()
    one, two = desk.invoice(client), desk.invoice(client)
    for reference, amount in (("pi_1", "121"), ("pi_2", "121"), ("pi_3", "121"), ("pi_4", "121")):
        desk.deliver([a_report(ron(amount), reference=reference, meant_for=one.number)])
        desk.settle()
    desk.query(
        f"INSERT INTO intents (payment_id, position, invoice_id) VALUES (2, 1, {two.id})"
        " RETURNING position"
    )

    with store.transaction() as books:
        assert holdings.sharing(books, [1]) == [1, 2, 3]


def test_a_loss_of_nobodys_money_is_taken_back_where_it_lay(desk: Desk):
    invoice = desk.invoice(desk.open())
    for told in (
        a_report(ron("80"), meant_for=None),
        a_refund("20"),
        a_refund("100", "du_1", fact_class=FactClass.CHARGEBACK),
        a_refund("20", status=Status.FAILED),
        a_report(ron("130"), meant_for=invoice.number),
    ):
        desk.deliver([told])
        desk.settle()
        assert desk.differences() == []

    assert desk.query("SELECT returned_minor, lost_minor FROM payments") == [(10000, 0)]
    assert desk.standing(invoice.id).paid_minor == 3000


def test_a_loss_of_nobodys_money_may_end_after_a_person_said_whose_it_is(desk: Desk):
    client = desk.open()
    desk.deliver(
        [a_report(ron("80"), meant_for=None)],
        [a_refund("100", "du_1", fact_class=FactClass.CHARGEBACK)],
    )
    desk.settle()
    assert desk.assign(desk.payments()[0].id, client)

    for told in (a_report(ron("90"), meant_for=None), a_report(ron("130"), meant_for=None)):
        desk.deliver([told])
        desk.settle()
        assert desk.differences() == []

    assert desk.query("SELECT lost_minor, unapplied_minor, unidentified_minor FROM payments") == [
        (0, 3000, 0)
    ]


def test_a_dispute_after_a_refund_is_a_loss_until_it_is_won(desk: Desk):
    invoice = desk.invoice(desk.open())
    chargeback: dict[str, Any] = {
        "fact_class": FactClass.CHARGEBACK,
        "meant_for": None,
        "item": "du_1",
    }
    lost = []
    for told in (
        a_report(ron("121"), meant_for=invoice.number),
        a_refund("100"),
        a_report(ron("121"), move=Move.OUT, **chargeback),
        a_report(ron("121"), move=Move.BACK, **chargeback),
    ):
        desk.deliver([told])
        desk.settle()
        lost += desk.query("SELECT lost_minor FROM payments")
        assert desk.differences() == []

    assert lost == [(0,), (0,), (10000,), (0,)]
    assert desk.standing(invoice.id).paid_minor == 2100
    assert ("loss", "payment:1") in desk.attention()


@pytest.mark.parametrize("paid", ["121", "60"])
def test_a_dispute_that_is_won_leaves_nothing_for_a_person(desk: Desk, paid: str):
    invoice = desk.invoice(desk.open())
    chargeback: dict[str, Any] = {"fact_class": FactClass.CHARGEBACK, "meant_for": None}
    seen = []
    for told in (
        a_report(ron(paid), meant_for=invoice.number),
        a_report(ron("30"), move=Move.OUT, item="du_1", **chargeback),
        a_report(ron("30"), move=Move.BACK, item="du_1", **chargeback),
    ):
        desk.deliver([told])
        desk.settle()
        seen.append(desk.attention())

    assert seen == [[], [("disputed", f"invoice:{invoice.id}")], []]


def test_of_two_disputes_the_one_that_goes_on_is_still_shown(desk: Desk):
    invoice = desk.invoice(desk.open())
    for name in ("pi_1", "pi_2"):
        desk.deliver([a_report(ron("60.50"), reference=name, meant_for=invoice.number)])
        chargeback: dict[str, Any] = {"fact_class": FactClass.CHARGEBACK, "meant_for": None}
        desk.deliver([a_report(ron("30"), reference=name, move=Move.OUT, item="du", **chargeback)])
    desk.settle()

    desk.deliver([a_report(ron("30"), reference="pi_1", move=Move.BACK, item="du", **chargeback)])
    desk.settle()

    assert desk.attention() == [("disputed", f"invoice:{invoice.id}")]


def test_who_pays_again_what_was_refunded_leaves_nothing_for_a_person(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)], [a_refund("21")])
    desk.settle()
    assert desk.attention() == [("refunded", f"invoice:{invoice.id}")]

    desk.deliver([a_report(ron("21"), reference="pi_2", meant_for=invoice.number)])
    desk.settle()

    assert (desk.standing(invoice.id).open_minor, desk.attention()) == (0, [])


def test_unidentified_money_goes_back_from_where_it_waits(desk: Desk):
    desk.open()
    desk.deliver([a_report(ron("50"), meant_for=None)], [a_refund("50")])
    desk.settle()

    assert desk.query("SELECT unidentified_minor, returned_minor FROM payments") == [(0, 5000)]
    assert desk.attention() == []
    assert desk.differences() == []


def test_credit_and_refund_that_meet_leave_no_open_invoice_with_money_for_it(
    desk: Desk, store: Store
):
    client = desk.open()
    rounds, tried_again = 12, 0

    def settle_one(gate: threading.Barrier, inbox_id: int, told: Report) -> int:
        gate.wait()
        for tries in range(20):
            try:
                with store.transaction() as books:
                    settling.settle(books, {inbox_id: (told,)}, ZONE)
                    waiting.close(books, [Closing(inbox_id, "done")])
                return tries
            except TryLater:
                continue
        raise AssertionError("never settled")

    for number in range(rounds):
        invoice = desk.invoice(client)
        desk.deliver([a_report(ron("121"), reference=f"pi_{number}", meant_for=invoice.number)])
        desk.settle()
        told = (
            a_refund("121", reference=f"pi_{number}"),
            a_report(ron("121"), reference=f"pi_more_{number}", meant_for=invoice.number),
        )
        gate = threading.Barrier(2)
        ids = desk.deliver(*([each] for each in told))
        with ThreadPoolExecutor(2) as pool:
            pairs = zip(ids, told, strict=True)
            tries = [pool.submit(settle_one, gate, *pair) for pair in pairs]
            tried_again += sum(each.result() for each in tries)
        assert not desk.standing(invoice.id).is_open

    assert desk.differences() == []


def test_a_person_says_that_a_refunded_invoice_is_owed_again_for_those_very_facts(
    desk: Desk, store: Store
):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)], [a_refund("21")])
    desk.settle()

    def say() -> int:
        with store.transaction() as books:
            return holds.owed_again(books, invoice.id, "test", "goods kept", TODAY, ZONE)

    assert say() == 3
    assert desk.attention() == []
    assert (
        desk.query("SELECT cycle, state FROM reminders WHERE state = 'planned'")
        == [(2, "planned")] * 3
    )
    with pytest.raises(Refused, match="not_held"):
        say()
    desk.deliver([a_refund("10", "re_2")])
    desk.settle()

    with store.transaction() as books:
        assert not reminders.is_chased(books, invoice.id)
    assert desk.attention() == [("refunded", f"invoice:{invoice.id}")]
    assert say() == 3
    assert desk.differences() == []


def test_reminders_after_the_word_are_counted_from_that_day(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)], [a_refund("121")])
    desk.settle()

    with store.transaction() as books:
        holds.owed_again(books, invoice.id, "test", "owed", date(2027, 3, 1), ZONE)

    assert desk.query("SELECT min(due_at) FROM reminders WHERE state = 'planned'") == [
        (at("2027-03-08T07:00"),)
    ]


def test_only_an_open_invoice_that_money_went_back_from_is_owed_again(desk: Desk, store: Store):
    client = desk.open()
    never_paid, paid = desk.invoice(client), desk.invoice(client)
    desk.deliver([a_report(ron("121"), meant_for=paid.number)])
    desk.settle()

    for invoice, code in ((never_paid, "not_held"), (paid, "not_open")):
        with pytest.raises(Refused, match=code), store.transaction() as books:
            holds.owed_again(books, invoice.id, "test", "owed", TODAY, ZONE)
