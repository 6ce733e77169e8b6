"""Facts join into the same value in any order and with any repetition."""

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts import Fact, FactClass, Move, Status, Trust, clash, join
from tests.builders import a_fact, at, eur, ron

_FACTS = st.builds(
    a_fact,
    st.builds(lambda minor: ron(f"{minor}.00"), st.integers(1, 5)) | st.just(eur("3.00")),
    status=st.sampled_from(Status),
    meant_for=st.sampled_from([None, "INV-0001", "INV-0002"]),
    happened_at=st.sampled_from([at("2026-11-20"), at("2026-11-21"), at("2026-11-22")]),
    fact_class=st.sampled_from(FactClass),
    trust=st.sampled_from(Trust),
)


@given(st.lists(_FACTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(facts: list[Fact], random):
    shuffled = facts * 2
    random.shuffle(shuffled)

    assert reduce(join, shuffled) == reduce(join, facts)


@given(_FACTS, _FACTS, _FACTS)
def test_joining_is_associative(one: Fact, two: Fact, three: Fact):
    assert join(join(one, two), three) == join(one, join(two, three))


def test_success_outlasts_a_failed_attempt_whatever_comes_last():
    reports = [
        a_fact(ron("10"), status=Status.PENDING),
        a_fact(ron("10"), status=Status.FAILED),
        a_fact(ron("9"), status=Status.SUCCEEDED),
    ]

    ends = {reduce(join, order) for order in permutations(reports)}

    assert ends == {reports[2]}


def test_a_failed_refund_outlasts_its_success():
    booked = a_fact(move=Move.OUT, item="re_1", status=Status.SUCCEEDED)
    failed = a_fact(move=Move.OUT, item="re_1", status=Status.FAILED)

    assert join(booked, failed) == join(failed, booked) == failed


def test_a_capture_grows_but_a_better_source_wins_over_a_larger_amount():
    small, large = a_fact(ron("80")), a_fact(ron("100"))
    looked_up = a_fact(ron("90"), trust=Trust.LOOKUP)

    assert join(large, small).money == ron("100")
    assert join(large, looked_up).money == ron("90")


def test_a_chargeback_outranks_a_refund():
    refund = a_fact(move=Move.OUT, item="x", fact_class=FactClass.REFUND)
    chargeback = a_fact(move=Move.OUT, item="x", fact_class=FactClass.CHARGEBACK)

    assert join(chargeback, refund).fact_class is FactClass.CHARGEBACK


def test_no_reference_of_ours_is_forgotten():
    joined = reduce(join, [a_fact(meant_for=name) for name in ("INV-2", "cart_42", None, "INV-2")])

    assert joined.meant_for == ("INV-2", "cart_42")


def test_the_instant_is_the_earliest_at_which_the_money_was_there():
    early = a_fact(ron("80"), happened_at=at("2026-11-20"))
    grown = a_fact(ron("100"), happened_at=at("2026-11-25"))
    asked = a_fact(ron("100"), status=Status.PENDING, happened_at=at("2026-11-01"))

    assert reduce(join, [grown, asked, early]).happened_at == at("2026-11-20")


@pytest.mark.parametrize(
    ("told", "clashes"),
    [
        (a_fact(eur("120.00")), True),
        (a_fact(eur("500.00")), True),
        (a_fact(ron("130.00")), False),
        (a_fact(eur("120.00"), status=Status.PENDING), False),
    ],
)
def test_money_that_moved_in_two_currencies_is_a_clash(told, clashes):
    assert clash(a_fact(ron("120.00")), told) is clashes
