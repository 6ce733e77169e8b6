"""Linking and unlinking: a person says what money is meant for, and no cent is lost by it."""

import pytest

from domain import linking
from domain.errors import Refused
from domain.invoices import InvoiceState
from tests.builders import TODAY, a_holding, an_invoice, eur, ron
from tests.domain.plain import PlainBooks


def credit(minor: int, *, id_: int = 1, client_id: int | None = 1):
    is_known = client_id is not None
    return a_holding(
        id_=id_,
        client_id=client_id,
        received_minor=minor,
        unapplied_minor=minor if is_known else 0,
        unidentified_minor=0 if is_known else minor,
    )


def link(books: PlainBooks, payment: int, invoice: int, amount: int | None = None):
    trial = books.trial()
    linking.link(trial, payment, invoice, amount, TODAY)
    return books.carry_out(trial)


def unlink(books: PlainBooks, payment: int, invoice: int):
    trial = books.trial()
    linking.unlink(trial, payment, invoice, TODAY)
    return books.carry_out(trial)


def test_credit_is_applied_to_the_invoice_it_is_linked_to():
    books = PlainBooks([credit(15000)], [an_invoice(ron("120"))])

    assert link(books, 1, 1) == [("allocate", 12000)]

    assert books.payments[1].unapplied_minor == 3000
    assert not books.invoices[1].is_open


def test_money_of_nobody_known_gets_the_invoices_client_and_is_applied():
    books = PlainBooks([credit(5000, client_id=None)], [an_invoice(client_id=7)])

    assert link(books, 1, 1) == [("assign", 5000), ("allocate", 5000)]

    assert books.payments[1].client_id == 7


def test_a_link_gives_up_to_its_amount_in_all_and_may_grow():
    books = PlainBooks([credit(10000)], [an_invoice(ron("120"))])

    assert link(books, 1, 1, 3000) == [("allocate", 3000)]
    assert link(books, 1, 1, 3000) == []
    assert link(books, 1, 1, 4000) == [("allocate", 1000)]
    assert link(books, 1, 1) == [("allocate", 6000)]


def test_what_a_limited_link_leaves_pays_the_next_one():
    books = PlainBooks([credit(10000)], [an_invoice(id_=1), an_invoice(id_=2)])
    link(books, 1, 1, 3000)

    assert link(books, 1, 2) == [("allocate", 7000)]


def test_money_linked_to_a_draft_waits_for_its_issue():
    books = PlainBooks([credit(10000)], [an_invoice(state=InvoiceState.DRAFT)])

    assert link(books, 1, 1) == []

    assert [intent.invoice_id for intent in books.intents[1]] == [1]
    assert books.payments[1].unapplied_minor == 10000


@pytest.mark.parametrize(
    ("payment", "invoice", "amount", "code"),
    [
        (credit(1), an_invoice(client_id=2), None, "other_client"),
        (credit(1), an_invoice(eur("1")), None, "other_currency"),
        (credit(1), an_invoice(state=InvoiceState.VOID), None, "void_invoice"),
        (credit(0), an_invoice(), None, "no_credit"),
        (credit(100), an_invoice(), 101, "not_enough_credit"),
        (credit(99999), an_invoice(ron("120")), 12001, "beyond_open"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_not_be_linked_is_refused(payment, invoice, amount, code):
    books = PlainBooks([payment], [invoice])

    with pytest.raises(Refused, match=code):
        link(books, 1, 1, amount)


@pytest.mark.parametrize(("first", "then"), [(None, 3000), (3000, 2000)])
def test_a_link_never_shrinks(first, then):
    books = PlainBooks([credit(10000)], [an_invoice()])
    link(books, 1, 1, first)

    with pytest.raises(Refused, match="already_linked"):
        link(books, 1, 1, then)


def test_unlinking_takes_back_what_was_applied_and_what_was_meant():
    books = PlainBooks([credit(10000)], [an_invoice(ron("120"))])
    link(books, 1, 1)

    assert unlink(books, 1, 1) == [("allocate", -10000)]

    assert books.intents[1] == ()
    assert books.payments[1].unapplied_minor == 10000
    assert books.invoices[1].open_minor == 12000


def test_unlinking_from_a_draft_clears_what_was_meant():
    draft = an_invoice(state=InvoiceState.DRAFT)._replace(issue_on=None, due_on=None, number=None)
    books = PlainBooks([credit(10000)], [draft])
    link(books, 1, 1)

    assert unlink(books, 1, 1) == []

    assert books.intents[1] == ()


def test_freed_money_goes_to_what_else_the_payment_is_meant_for():
    books = PlainBooks([credit(15000)], [an_invoice(id_=1), an_invoice(id_=2)])
    link(books, 1, 1)
    link(books, 1, 2)

    assert unlink(books, 1, 1) == [("allocate", -12000), ("allocate", 9000)]


def test_other_money_for_the_invoice_steps_in():
    books = PlainBooks([credit(12000), credit(12000, id_=2)], [an_invoice(ron("120"))])
    link(books, 1, 1)
    link(books, 2, 1)

    assert unlink(books, 1, 1) == [("allocate", -12000), ("allocate", 12000)]

    assert books.given_minor(2, 1) == 12000
