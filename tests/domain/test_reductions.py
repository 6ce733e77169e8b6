"""Credit notes, write-offs and voids: what was paid is never lost by what is no longer owed."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import linking, reductions
from domain.allocation import Intent
from domain.errors import Refused
from domain.invoices import InvoiceState, Status, status
from domain.postings import PostingKind
from domain.reductions import ReductionKind
from tests.builders import TODAY, an_invoice, ron
from tests.domain.plain import PlainBooks
from tests.domain.test_linking import credit, link

CREDIT: ReductionKind = PostingKind.CREDIT_NOTE
WRITE_OFF: ReductionKind = PostingKind.WRITE_OFF
KINDS = pytest.mark.parametrize("kind", [CREDIT, WRITE_OFF])


def reduce(books: PlainBooks, kind, amount: int | None = None, invoice: int = 1):
    trial = books.trial()
    reductions.reduce(trial, invoice, kind, amount, TODAY)
    return books.carry_out(trial)


def restore(books: PlainBooks, invoice: int = 1):
    trial = books.trial()
    left = [each for each in books.reductions[invoice] if each.kind is WRITE_OFF]
    reductions.restore(trial, invoice, left, TODAY)
    return books.carry_out(trial)


def void(books: PlainBooks, invoice: int = 1):
    trial = books.trial()
    reductions.void(trial, invoice, TODAY)
    return books.carry_out(trial)


def paid(minor: int, *invoices) -> PlainBooks:
    """Books whose first invoice is linked to a payment of so much."""
    books = PlainBooks([credit(minor)], invoices or [an_invoice(ron("120"))])
    link(books, 1, 1)
    return books


@KINDS
def test_what_is_open_is_lowered_and_only_that_closes_the_invoice(kind):
    books = PlainBooks([], [an_invoice(ron("120"))])

    assert reduce(books, kind) == [(kind.value, 12000)]

    assert status(books.invoices[1], TODAY) is Status.CLOSED


@KINDS
def test_beside_a_payment_it_leaves_the_invoice_paid(kind):
    books = paid(10000)

    assert reduce(books, kind) == [(kind.value, 2000)]

    assert status(books.invoices[1], TODAY) is Status.PAID


@KINDS
def test_what_was_paid_and_is_lowered_stays_with_its_payment(kind):
    books = paid(12000)

    assert reduce(books, kind, 5000) == [("allocate", -5000), (kind.value, 5000)]

    assert books.payments[1].unapplied_minor == 5000
    assert not books.invoices[1].is_open


def test_freed_money_goes_to_what_else_the_payment_is_meant_for():
    books = paid(12000, an_invoice(ron("120")), an_invoice(ron("30"), id_=2))
    trial = books.trial()
    trial.mean(1, (*trial.intents(1), Intent(1, 1, 2, None)))
    books.carry_out(trial)

    assert reduce(books, CREDIT, 5000)[-1] == ("allocate", 3000)

    assert books.payments[1].unapplied_minor == 2000


@pytest.mark.parametrize(
    ("invoice", "amount", "code"),
    [
        (an_invoice(ron("120")), 12001, "beyond_total"),
        (an_invoice(ron("120"), settled_before_minor=2000), 10001, "beyond_total"),
        (an_invoice(ron("120"), settled_before_minor=12000), None, "not_open"),
        (an_invoice(state=InvoiceState.DRAFT), 1, "not_issued"),
        (an_invoice(state=InvoiceState.VOID), 1, "not_issued"),
    ],
)
@KINDS
def test_nothing_is_lowered_that_is_not_there(kind, invoice, amount, code):
    with pytest.raises(Refused, match=code):
        reduce(PlainBooks([], [invoice]), kind, amount)


@pytest.mark.parametrize("act", ["write_off", "void", "unlink"])
def test_nothing_takes_effect_before_the_invoice(act):
    books = paid(12000)
    trial, before = books.trial(), date(2020, 1, 1)

    match act:
        case "write_off":
            reductions.reduce(trial, 1, WRITE_OFF, 5000, before)
        case "void":
            reductions.void(trial, 1, before)
        case _:
            linking.unlink(trial, 1, 1, before)

    assert {posting.effective_on for posting in trial.postings} == {TODAY}


def test_a_write_off_taken_back_is_owed_again_and_credit_for_it_pays():
    books = paid(12000)
    reduce(books, WRITE_OFF, 5000)
    reduce(books, CREDIT, 1000)

    assert restore(books) == [("write_off", -5000), ("allocate", 5000)]

    assert books.invoices[1].credited_minor == 1000
    assert books.payments[1].unapplied_minor == 1000
    with pytest.raises(Refused, match="not_written_off"):
        restore(books)


def test_a_void_frees_everything_for_what_else_it_is_meant_for():
    books = paid(15000, an_invoice(ron("120")), an_invoice(ron("100"), id_=2))
    link(books, 1, 2)

    assert void(books) == [("allocate", -12000), ("void", 12000), ("allocate", 7000)]

    assert books.payments[1].unapplied_minor == 5000


@KINDS
def test_what_was_lowered_is_not_voided(kind):
    books = paid(12000)
    reduce(books, kind, 1)

    with pytest.raises(Refused, match="credited"):
        void(books)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["link", "unlink", "credit_note", "write_off", "restore", "void"]),
        st.integers(1, 3),
        st.integers(1, 3),
        st.none() | st.integers(1, 15000),
    ),
    min_size=10,
    max_size=40,
)


def step(books: PlainBooks, what: str, payment: int, invoice: int, amount: int | None) -> None:
    match what:
        case "link":
            link(books, payment, invoice, amount)
        case "unlink":
            trial = books.trial()
            linking.unlink(trial, payment, invoice, TODAY)
            books.carry_out(trial)
        case "restore":
            restore(books, invoice)
        case "void":
            void(books, invoice)
        case _:
            reduce(books, PostingKind(what), amount, invoice)


def test_whatever_people_do_no_cent_is_lost():
    done: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, deadline=None)
    @given(STEPS)
    def law(steps):
        books = PlainBooks(
            [credit(12000), credit(9000, id_=2), credit(20000, id_=3, client_id=None)],
            [an_invoice(ron(total), id_=id_) for id_, total in enumerate(("120", "70", "150"), 1)],
        )
        for each in steps:
            try:
                step(books, *each)
                done[each[0]] += 1
            except Refused:
                books.check()

    law()

    assert len(done) == 6, done
    assert min(done.values()) >= 10, done
