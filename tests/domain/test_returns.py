"""Money that went back: the books end where the facts end, whatever the order and the batches."""

from itertools import permutations

from domain.attention import AttentionKind
from domain.facts import Fact, FactClass, Move, Status
from domain.postings import PostingKind
from tests.builders import a_fact, an_invoice, at, ron
from tests.domain.telling import reports
from tests.plain_books import a_page, check, end, tell


def a_refund(amount: str, item: str, status: Status = Status.SUCCEEDED) -> Fact:
    return a_fact(
        ron(amount),
        move=Move.OUT,
        item=item,
        status=status,
        fact_class=FactClass.REFUND,
        meant_for=None,
        happened_at=at("2026-11-22"),
    )


def a_dispute(amount: str, move: Move = Move.OUT) -> Fact:
    return a_fact(
        ron(amount),
        move=move,
        item=f"du_1/{move}",
        fact_class=FactClass.CHARGEBACK,
        meant_for=None,
        happened_at=at("2026-11-23"),
    )


def test_a_refund_comes_from_unapplied_money_first_then_from_the_invoice():
    page = tell(a_page(an_invoice(ron("100"))), a_fact(ron("120")), a_refund("30", "re_1"))

    assert page.payment(1).unapplied_minor == 0
    assert page.invoice(1).paid_minor == 9000
    assert (AttentionKind.REFUNDED, "invoice:1") in page.seen


def test_a_refund_that_failed_is_taken_back_and_the_money_applied_again():
    page = tell(a_page(an_invoice(ron("100"))), a_fact(ron("100")), a_refund("40", "re_1"))
    assert page.invoice(1).open_minor == 4000

    page = tell(page, a_refund("40", "re_1", Status.FAILED))

    assert not page.invoice(1).is_open
    assert page.payment(1).returned_minor == 0


def test_what_goes_back_beyond_what_came_is_a_loss_taken_back_first():
    start = a_page(an_invoice(ron("100")))
    page = tell(start, a_fact(ron("100")), a_refund("100", "re_1"), a_dispute("100"))
    assert page.payment(1).lost_minor == 10000
    assert (AttentionKind.LOSS, "payment:1") in page.seen

    page = tell(page, a_dispute("100", Move.BACK))

    assert page.payment(1).lost_minor == 0
    assert page.payment(1).returned_minor == 10000


def test_credit_of_another_payment_takes_the_place_of_what_went_back():
    page = tell(a_page(an_invoice(ron("100")), payments=2), a_fact(ron("100")))
    page = tell(page, a_fact(ron("60"), reference="pi_2"), payment=2)
    assert page.payment(2).unapplied_minor == 6000

    page = tell(page, a_refund("100", "re_1"))

    assert page.payment(2).unapplied_minor == 0
    assert page.invoice(1).paid_minor == 6000


def test_nobodys_money_that_went_back_beyond_what_came_is_lost_and_found_as_nobodys():
    came = a_fact(ron("80"), meant_for=None)
    page = tell(a_page(an_invoice(ron("100"))), came, a_refund("20", "re_1"), a_dispute("100"))
    assert page.payment(1).lost_minor == 4000

    page = tell(page, a_refund("20", "re_1", Status.FAILED))
    check(page)
    page = tell(page, a_fact(ron("120")))  # it grew, and is somebody's now
    check(page)

    assert page.payment(1).lost_minor == 0
    assert {each.kind for each in page.posted if "unidentified" in each.source} == {
        PostingKind.CHARGEBACK,
        PostingKind.ASSIGN,
    }
    assert page.invoice(1).paid_minor == 2000


def test_the_same_facts_told_at_once_or_in_batches_are_the_same():
    told = list(reports().values())
    start = a_page(an_invoice(ron("90")))
    at_once = tell(start, *told)
    batched = 0
    for first, second in permutations(range(len(told) + 1), 2):
        page = start
        for batch in (told[second:], told[:first], told[first:]):
            page = tell(page, *batch)
            check(page)
            batched += len(batch)

        assert end(page) == end(at_once)
    assert batched > 1_000
