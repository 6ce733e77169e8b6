"""The fold posts exactly the difference between the facts and the books."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attention import AttentionKind
from domain.facts import Status
from domain.invoices import InvoiceState
from domain.postings import PostingKind
from domain.settlement import settle
from domain.trial import Changes, Extract
from tests.builders import (
    ZONE,
    a_fact,
    a_holding,
    a_known,
    an_allocation,
    an_intent,
    an_invoice,
    at,
    eur,
    ron,
)


def an_extract(*, payment=None, invoices=(an_invoice(),), intents=(an_intent(),), applied=()):
    payment = payment or a_holding()
    return Extract(
        payments=(payment,),
        intents={payment.id: intents},
        invoices={invoice.id: invoice for invoice in invoices},
        posted={payment.id: applied},
    )


def fold(extract: Extract, *facts) -> Changes:
    known = [a_known(fact, number) for number, fact in enumerate(facts, start=1)]
    return settle(extract, {payment.id: known for payment in extract.payments}, ZONE)


def kinds(changes: Changes) -> list[tuple[str, int]]:
    return [(posting.kind.value, posting.money.minor) for posting in changes.postings]


def test_a_payment_is_received_and_pays_its_invoice():
    changes = fold(an_extract(), a_fact(ron("120.00")))

    assert kinds(changes) == [("receive", 12000), ("allocate", 12000)]
    assert changes.payments[0].client_id == 1
    assert changes.payments[0].unapplied_minor == 0
    assert not changes.invoices[0].is_open
    assert changes.attention == ()


def test_settling_again_posts_nothing():
    first = fold(an_extract(), a_fact(ron("120.00")))

    again = fold(
        an_extract(
            payment=first.payments[0], invoices=first.invoices, applied=[an_allocation(12000)]
        ),
        a_fact(ron("120.00")),
    )

    assert again == Changes((), (), (), ())


@pytest.mark.parametrize("status", [Status.PENDING, Status.FAILED])
def test_money_that_has_not_arrived_posts_nothing(status):
    assert fold(an_extract(), a_fact(status=status)).postings == ()


def test_a_capture_that_grew_posts_its_growth():
    first = fold(an_extract(), a_fact(ron("80.00")))

    grown = fold(
        an_extract(
            payment=first.payments[0], invoices=first.invoices, applied=[an_allocation(8000)]
        ),
        a_fact(ron("100.00")),
    )

    assert kinds(grown) == [("receive", 2000), ("allocate", 2000)]


@pytest.mark.parametrize(
    ("invoice", "money", "applied_minor", "kind"),
    [
        (an_invoice(ron("100")), ron("150"), 10000, AttentionKind.OVERPAID),
        (an_invoice(ron("100"), paid_minor=10000), ron("50"), 0, AttentionKind.OVERPAID),
        (an_invoice(state=InvoiceState.VOID), ron("50"), 0, AttentionKind.VOID_INVOICE),
        (an_invoice(state=InvoiceState.DRAFT), ron("50"), 0, AttentionKind.DRAFT_INVOICE),
        (an_invoice(ron("100")), eur("50"), 0, AttentionKind.OTHER_CURRENCY),
    ],
)
def test_money_that_finds_no_open_invoice_stays_with_attention(invoice, money, applied_minor, kind):
    payment = a_holding(currency=money.currency)

    changes = fold(an_extract(payment=payment, invoices=(invoice,)), a_fact(money))

    rest_minor = money.minor - applied_minor
    assert changes.payments[0].unapplied_minor == rest_minor
    assert [(a.kind, a.subject, a.money) for a in changes.attention] == [
        (kind, "payment:1", replace(money, minor=rest_minor))
    ]


def test_money_for_an_unknown_invoice_waits_unidentified():
    changes = fold(an_extract(invoices=(), intents=()), a_fact(ron("50")))

    assert [p.destination for p in changes.postings] == ["unidentified"]
    assert changes.payments[0].unidentified_minor == 5000
    assert changes.attention[0].kind is AttentionKind.UNKNOWN_INVOICE


def test_unidentified_money_is_assigned_and_applied_once_its_invoice_is_known():
    waiting = a_holding(received_minor=5000, unidentified_minor=5000)

    changes = fold(an_extract(payment=waiting), a_fact(ron("50")))

    assert kinds(changes) == [("assign", 5000), ("allocate", 5000)]
    assert changes.payments[0].unidentified_minor == 0


def test_a_known_client_is_not_changed_by_another_ones_invoice():
    known = a_holding(client_id=7)

    changes = fold(an_extract(payment=known), a_fact(ron("50")))

    assert changes.payments[0].client_id == 7
    assert changes.payments[0].unapplied_minor == 5000
    assert changes.invoices == ()


def test_intents_are_served_in_order_and_within_their_limit():
    invoices = (an_invoice(ron("100"), id_=1), an_invoice(ron("100"), id_=2))
    intents = (
        an_intent(invoice_id=2, position=1),
        an_intent(invoice_id=1, position=0, amount_minor=3000),
    )

    changes = fold(an_extract(invoices=invoices, intents=intents), a_fact(ron("120")))

    assert {i.id: i.paid_minor for i in changes.invoices} == {1: 3000, 2: 9000}


def test_an_allocation_is_never_effective_before_its_invoice_was_issued():
    early = a_fact(ron("120"), happened_at=at("2026-11-01"))

    received, allocated = fold(an_extract(), early).postings

    assert received.effective_on.isoformat() == "2026-11-01"
    assert allocated.effective_on.isoformat() == "2026-11-20"


def test_a_day_is_the_sellers_local_day():
    late_evening_utc = a_fact(ron("120"), happened_at=at("2026-11-20T23:30"))

    received = fold(an_extract(), late_evening_utc).postings[0]

    assert received.effective_on.isoformat() == "2026-11-21"


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=6),
    st.integers(1, 500),
    st.randoms(use_true_random=False),
)
def test_an_invoice_is_paid_by_what_is_meant_for_it_up_to_its_total(amounts, total_minor, random):
    invoice = an_invoice()._replace(total_minor=total_minor)
    payments = [a_holding(id_=number) for number in range(1, len(amounts) + 1)]
    facts = {
        payment.id: [a_known(a_fact(replace(ron("1"), minor=minor)))]
        for payment, minor in zip(payments, amounts, strict=True)
    }
    random.shuffle(payments)
    paid_minor, unapplied_minor = 0, 0

    for payment in payments:
        intents = {payment.id: (an_intent(payment.id),)}
        extract = Extract((payment,), intents, {1: invoice}, {})
        changes = settle(extract, {payment.id: facts[payment.id]}, ZONE)
        invoice = changes.invoices[0] if changes.invoices else invoice
        unapplied_minor += changes.payments[0].unapplied_minor
        received = [p.money.minor for p in changes.postings if p.kind is PostingKind.RECEIVE]
        paid_minor += sum(received)

    assert invoice.paid_minor == min(total_minor, sum(amounts))
    assert invoice.paid_minor + unapplied_minor == paid_minor == sum(amounts)
