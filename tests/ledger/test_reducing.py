"""Credit notes, write-offs and voids in the books: said by a person, and never at money's cost."""

from functools import partial

import pytest

from domain.errors import Refused
from domain.invoices import Status, status
from ledger.books import holds, reducing
from ledger.books.acting import Word
from ledger.letters import reminders
from ledger.store import Store
from tests.builders import TODAY, ZONE
from tests.desk import Desk
from tests.ledger.test_linking import ROUNDS, at_once, pay, refund

ACTS = pytest.mark.parametrize("act", ["credit_note", "write_off"])


@ACTS
def test_what_closes_an_invoice_ends_its_reminders_and_is_signed(desk: Desk, act: str):
    invoice = desk.invoice(desk.open())

    getattr(desk, act)(invoice.id)

    standing = desk.standing(invoice.id)
    assert status(standing, TODAY) is Status.CLOSED
    assert (standing.credited_minor, standing.written_off_minor) == (
        (12100, 0) if act == "credit_note" else (0, 12100)
    )
    assert desk.postings()[-1] == (act, f"outside:{act}", "invoice", 12100)
    assert desk.query("SELECT DISTINCT state FROM reminders") == [("cancelled",)]
    ((actor, name, reason, before, after),) = desk.query(
        "SELECT actor, act, reason, before, after FROM journal ORDER BY id DESC LIMIT 1"
    )
    assert (actor, name, reason) == ("test", act, "a person said so")
    told = {"invoice": 1, "paid_minor": 0, "credited_minor": 0, "written_off_minor": 0}
    assert before == told
    column = "credited_minor" if act == "credit_note" else "written_off_minor"
    assert after == told | {column: 12100}
    assert desk.differences() == []


@ACTS
def test_said_again_it_is_refused(desk: Desk, act: str):
    invoice = desk.invoice(desk.open())
    getattr(desk, act)(invoice.id)

    with pytest.raises(Refused, match="not_open"):
        getattr(desk, act)(invoice.id)
    with pytest.raises(Refused, match="beyond_total"):
        getattr(desk, act)(invoice.id, 1)

    assert [kind for kind, *_ in desk.postings()] == ["issue", act]


@ACTS
def test_nobody_lowers_what_is_owed_without_a_reason(desk: Desk, store: Store, act: str):
    invoice = desk.invoice(desk.open())

    with pytest.raises(Refused, match="no_reason"), store.transaction() as books:
        getattr(reducing, act)(books, invoice.id, Word("test", None, TODAY, ZONE))

    assert desk.standing(invoice.id) == invoice


@ACTS
def test_an_invoice_that_is_not_there_is_not_lowered(desk: Desk, act: str):
    with pytest.raises(Refused, match="unknown_invoice"):
        getattr(desk, act)(99)


def test_what_was_paid_and_is_credited_becomes_credit_with_attention(desk: Desk):
    invoice = desk.invoice(desk.open())
    pay(desk, "121", invoice.number)

    desk.credit_note(invoice.id, 2100)

    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.payments()[0].unapplied_minor == 2100
    assert desk.attention() == [("overpaid", "payment:1")]
    assert desk.differences() == []


def test_a_credit_note_takes_back_the_newest_money_first(desk: Desk):
    invoice = desk.invoice(desk.open())
    pay(desk, "100", invoice.number)
    pay(desk, "21", invoice.number, "pi_2")

    desk.credit_note(invoice.id, 3000)

    assert [payment.unapplied_minor for payment in desk.payments()] == [900, 2100]
    assert desk.differences() == []


def test_what_it_frees_pays_what_else_the_payment_is_meant_for(desk: Desk):
    client = desk.open()
    first, second = desk.invoice(client), desk.invoice(client)
    payment = pay(desk, "200", first.number)
    desk.link(payment, second.id)
    assert desk.standing(second.id).open_minor == 4200

    desk.credit_note(first.id, 5000)

    assert not desk.standing(second.id).is_open
    assert desk.payments()[0].unapplied_minor == 800
    assert desk.query(
        "SELECT invoice_id, state, count(*) FROM reminders GROUP BY 1, 2 ORDER BY 1"
    ) == [(1, "cancelled", 3), (2, "cancelled", 3)]
    assert desk.differences() == []


def test_a_credit_note_is_the_other_word_that_settles_a_hold(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    pay(desk, "121", invoice.number)
    refund(desk, "21")
    assert desk.attention() == [("refunded", "invoice:1")]

    desk.credit_note(invoice.id)

    assert desk.attention() == []
    assert status(desk.standing(invoice.id), TODAY) is Status.PAID
    with pytest.raises(Refused, match="not_open"), store.transaction() as books:
        holds.owed_again(books, invoice.id, "test", "no", TODAY, ZONE)
    assert desk.differences() == []


def test_a_part_credited_hold_still_waits_for_a_word(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    pay(desk, "121", invoice.number)
    refund(desk, "21")

    desk.credit_note(invoice.id, 2000)

    assert desk.attention() == [("refunded", "invoice:1")]
    with store.transaction() as books:
        assert not reminders.is_chased(books, invoice.id)


def test_money_that_comes_for_what_was_written_off_waits_for_a_person(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.write_off(invoice.id)

    pay(desk, "121", invoice.number)
    assert desk.attention() == [("overpaid", "payment:1")]
    desk.undo_write_off(invoice.id)

    assert status(desk.standing(invoice.id), TODAY) is Status.PAID
    assert desk.attention() == []
    with pytest.raises(Refused, match="not_written_off"):
        desk.undo_write_off(invoice.id)
    assert [kind for kind, *_ in desk.postings()] == [
        *("issue", "write_off", "receive", "write_off", "allocate")
    ]
    assert desk.differences() == []


def test_a_write_off_taken_back_is_chased_from_that_day(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.write_off(invoice.id)

    desk.undo_write_off(invoice.id)
    desk.write_off(invoice.id, 100)
    desk.undo_write_off(invoice.id)

    assert desk.query(
        "SELECT cycle, count(*) FROM reminders WHERE state = 'planned' GROUP BY cycle"
    ) == [(2, 3)]
    assert desk.differences() == []


def test_a_void_frees_money_for_what_else_it_is_meant_for(desk: Desk):
    client = desk.open()
    first, second = desk.invoice(client), desk.invoice(client)
    payment = pay(desk, "200", first.number)
    desk.link(payment, second.id)

    desk.void(first.id)

    assert not desk.standing(second.id).is_open
    assert desk.payments()[0].unapplied_minor == 7900
    assert desk.attention() == [("void_invoice", "payment:1")]
    assert desk.differences() == []


def test_a_void_ends_the_hold_of_what_went_back(desk: Desk):
    invoice = desk.invoice(desk.open())
    pay(desk, "121", invoice.number)
    refund(desk, "121")

    desk.void(invoice.id)

    assert desk.attention() == []
    assert desk.differences() == []


@ACTS
def test_what_was_lowered_is_not_voided(desk: Desk, act: str):
    invoice = desk.invoice(desk.open())
    getattr(desk, act)(invoice.id, 100)

    with pytest.raises(Refused, match="credited"):
        desk.void(invoice.id)

    assert desk.differences() == []


@pytest.mark.parametrize("act", ["credit_note", "write_off", "void"])
def test_a_payment_that_meets_it_is_neither_lost_nor_applied_beyond(desk: Desk, act: str):
    client = desk.open()
    paid, kept = 0, 0
    for number in range(ROUNDS):
        invoice = desk.invoice(client)

        at_once(
            partial(getattr(desk, act), invoice.id),
            partial(pay, desk, "121", invoice.number, f"pi_{number}"),
        )

        standing = desk.standing(invoice.id)
        assert not standing.is_open
        paid += standing.paid_minor
        kept += desk.payments()[number].unapplied_minor

    assert paid + kept == ROUNDS * 12100
    assert desk.differences() == []


def test_two_people_who_write_it_off_at_once_do_so_once(desk: Desk):
    client = desk.open()
    for _ in range(ROUNDS):
        invoice = desk.invoice(client)

        answers = at_once(*[partial(desk.write_off, invoice.id)] * 2)

        assert answers.count("not_open") == 1
        assert desk.standing(invoice.id).written_off_minor == 12100
    assert desk.differences() == []


def test_a_refund_that_meets_a_credit_note_leaves_right_books(desk: Desk):
    client = desk.open()
    for number in range(ROUNDS):
        invoice = desk.invoice(client)
        pay(desk, "121", invoice.number, f"pi_{number}")

        at_once(
            partial(desk.credit_note, invoice.id, 5000),
            partial(refund, desk, "100", f"pi_{number}", f"re_{number}"),
        )

        standing = desk.standing(invoice.id)
        assert (standing.credited_minor, standing.paid_minor) == (5000, 2100)
        assert desk.differences() == []
