"""An answer that says less came than was told is believed, whatever had become of the money."""

from itertools import permutations

import pytest

from domain.facts import Fact, FactClass, Move, Status, Trust
from tests.builders import a_fact, an_invoice, ron
from tests.plain_books import Page, a_page, check, end, tell


def out(minor: str, item: str, status: Status = Status.SUCCEEDED) -> Fact:
    refund = FactClass.REFUND
    return a_fact(
        ron(minor), move=Move.OUT, item=item, status=status, fact_class=refund, meant_for=None
    )


def came(amount: str, trust: Trust, meant_for: str | None = None) -> Fact:
    return a_fact(ron(amount), trust=trust, meant_for=meant_for)


TOLD = {
    "delivered": came("80", Trust.DELIVERY),
    "grown": came("100", Trust.DELIVERY),
    "answered": came("60", Trust.LOOKUP),
    "answered again": came("70", Trust.LOOKUP),
    "refunded": out("30", "re_1"),
    "disputed": out("90", "du_1"),
}
NAMING = a_fact(ron("1"), status=Status.PENDING, meant_for="INV-0001")


def walked(facts: list[Fact], names_at: int | None) -> Page:
    """The books after each of these facts; the invoice is named before the fact of that number."""
    page = a_page(an_invoice(ron("75")))
    for number, fact in enumerate(facts):
        page = tell(page, NAMING, fact) if number == names_at else tell(page, fact)
        check(page)
    return page


@pytest.mark.parametrize("names_at", [0, 1, 2, 3, None])
def test_every_order_of_answers_and_deliveries_ends_the_same_and_keeps_the_laws(
    names_at: int | None,
):
    ends, orders = set(), 0
    for order in permutations(TOLD):
        ends.add(end(walked([TOLD[name] for name in order], names_at)))
        orders += 1

    assert orders == 720
    assert len(ends) == 1, ends
    assert str(ends.pop()).startswith("(((7000, 12000, 5000),), ")


@pytest.mark.parametrize("names_at", [0, 1, 2, None])
def test_after_every_prefix_the_payment_is_what_the_facts_say(names_at: int | None):
    steps = 0
    for order in permutations(("grown", "answered", "refunded", "disputed")):
        for length in range(1, 5):
            told = order[:length]
            page = walked([TOLD[name] for name in told], names_at)
            received = 6000 if "answered" in told else 10000 if "grown" in told else 0
            gone = 3000 * ("refunded" in told) + 9000 * ("disputed" in told)
            steps += 1
            assert page.payment(1).received_minor == received
            assert page.payment(1).returned_minor == (gone if received else 0)
            assert page.payment(1).lost_minor == (max(0, gone - received) if received else 0)

    assert steps == 96
