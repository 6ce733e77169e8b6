"""Whatever the order and the repetition, the books end where the set of what was told says."""

import random
from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import factorial, perm

import pytest

from tests.builders import an_invoice, ron
from tests.domain.orders import Map, Place, Told
from tests.domain.telling import REPORTS, known_facts, moved, reports, true_facts, truth
from tests.plain_books import a_page, check, end, tell

LONGEST = 6
RANDOM_SEQUENCES = 20_000
CHUNKS = 8

ONE = {(1, name): fact for name, fact in reports().items()}
THREE = {
    (payment, name): fact
    for payment, invoice in ((1, "INV-0001"), (2, "INV-0002"), (3, "INV-0001"))
    for name, fact in reports(payment, invoice).items()
}
MEANT = {1: 1, 2: 2, 3: 1}
TOTALS_MINOR = {1: 15000, 2: 9000}


@pytest.fixture(scope="module")
def one() -> Map:
    """One payment for an invoice smaller than it."""
    return Map(a_page(an_invoice(ron("90"))), ONE)


@cache
def true_end(told: frozenset[Told]) -> object:
    return truth({1: {name for _, name in told}}, {1: 1}, {1: 9000})


@cache
def facts_told(told: frozenset[Told]) -> object:
    return true_facts(ONE[each] for each in told)


def is_true(place: Place, told: frozenset[Told]) -> bool:
    return place.end == true_end(told) and known_facts(place.page) == facts_told(told)


@pytest.mark.parametrize("first", REPORTS)
def test_every_order_of_every_subset_of_up_to_six_ends_where_the_set_says(one: Map, first: str):
    ends: dict[frozenset[Told], Place] = {}
    sequences = 0

    stack: list[tuple[tuple[Told, ...], Place]] = [(((1, first),), one.walk([(1, first)]))]
    while stack:
        told, place = stack.pop()
        sequences += 1
        ends.setdefault(frozenset(told), place)
        assert place.end == true_end(frozenset(told)), told
        assert place.page.facts == ends[frozenset(told)].page.facts, told
        if len(told) < LONGEST:
            rest = [each for each in ONE if each not in told]
            stack.extend(((*told, each), one.step(place, each)) for each in rest)

    assert all(is_true(place, chosen) for chosen, place in ends.items())
    assert sequences == sum(perm(9, length) for length in range(LONGEST))  # 18,730 of 187,300
    print(f"{first} first: {sequences} sequences of {len(ends)} sets")  # noqa: T201


def test_any_order_of_all_ten_with_any_repetition_ends_where_the_set_says(one: Map):
    """Exhaustive: every place is reached with every set that leads there, by every last report."""
    layer = Counter({(frozenset[Told](), one.start): 1})
    sequences = repetitions = 0
    for _ in ONE:
        following: Counter[tuple[frozenset[Told], Place]] = Counter()
        for (told, place), ways in layer.items():
            for each in ONE:
                reached = one.step(place, each)
                if each in told:
                    assert reached is place, f"{each} told again after {sorted(told)}"
                    repetitions += 1
                else:
                    following[told | {each}, reached] += ways
        for (told, place), ways in following.items():
            assert is_true(place, told), told
            sequences += ways
        layer = following

    assert sequences == sum(perm(10, length) for length in range(1, 11))  # 9,864,100
    assert layer.total() == factorial(10)
    assert repetitions > 100_000
    print(f"{sequences} sequences, {repetitions} repetitions told")  # noqa: T201


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeded_sequences_with_repetition_end_where_the_set_says_after_every_prefix(
    one: Map, chunk: int
):
    prefixes = repeated = 0
    for seed in range(chunk, RANDOM_SEQUENCES, CHUNKS):
        dice = random.Random(seed)
        told = dice.choices(list(ONE), k=dice.randint(2, 20))
        place = one.start
        for length, each in enumerate(told, 1):
            place = one.step(place, each)
            assert is_true(place, frozenset(told[:length])), (seed, told[:length])
        prefixes += len(told)
        repeated += len(told) - len(set(told))

    print(f"{prefixes} prefixes, {repeated} repetitions told")  # noqa: T201
    assert prefixes > 10 * RANDOM_SEQUENCES / CHUNKS
    assert repeated > 4 * RANDOM_SEQUENCES / CHUNKS


def test_a_page_reached_again_is_no_other_than_one_told_from_the_start(one: Map):
    """The shortcut of the map, not taken: 300 sequences are told in full."""
    for seed in range(300):
        told = random.Random(seed).choices(list(ONE), k=12)
        page = one.start.page
        for each in told:
            page = tell(page, ONE[each])

        assert page == one.walk(told).page


@pytest.mark.parametrize("chunk", range(4))
def test_three_payments_on_two_invoices_end_in_the_same_order_free_parts(chunk: int):
    sequences, told_in_all, shared, held = 4_000, 0, 0, 0
    for seed in range(chunk, sequences, 4):
        dice = random.Random(f"three {seed}")
        told = dice.choices(list(THREE), k=dice.randint(10, 30))
        page = a_page(*_two_invoices(), payments=3)
        for length, each in enumerate(told, 1):
            page = tell(page, THREE[each], payment=each[0])
            check(page)
            assert end(page) == _true_end_of_three(told[:length]), (seed, told[:length])
        told_in_all += len(told)
        shared += _is_shared(told)
        held += any(is_held for _, _, is_held, _ in end(page)[1])  # type: ignore[index]

    assert told_in_all > 15 * sequences / 4
    assert shared > 60
    assert held > 400


def test_every_order_of_nine_reports_of_three_payments_ends_in_the_same_order_free_parts():
    """Exhaustive: credit of one payment steps in for another, whichever came first."""
    chosen: Sequence[Told] = (
        *((1, "grown"), (1, "withdrawn"), (1, "reinstated")),
        *((2, "failed"), (2, "succeeded"), (2, "refund 3")),
        *((3, "grown"), (3, "refund 2"), (3, "refund 2 failed")),
    )
    drawn = Map(a_page(*_two_invoices(), payments=3), THREE)
    layer = Counter({(frozenset[Told](), drawn.start): 1})
    for _ in chosen:
        following: Counter[tuple[frozenset[Told], Place]] = Counter()
        for (told, place), ways in layer.items():
            for each in chosen:
                if each not in told:
                    following[told | {each}, drawn.step(place, each)] += ways
        for told, place in following:
            assert place.end == _true_end_of_three(told), sorted(told)
        layer = following

    assert layer.total() == factorial(len(chosen))
    assert len(drawn) > 1_000


def _two_invoices():
    return (
        an_invoice(ron(f"{minor // 100}"), id_=invoice) for invoice, minor in TOTALS_MINOR.items()
    )


def _true_end_of_three(told: Sequence[Told] | frozenset[Told]) -> object:
    names = {payment: {name for of, name in told if of == payment} for payment in MEANT}
    return truth(names, MEANT, TOTALS_MINOR)


def _is_shared(told: Sequence[Told]) -> bool:
    """Both payments of the first invoice came, and together they were more than it."""
    kept = [moved({name for of, name in told if of == payment}) for payment in (1, 3)]
    both = all(each.is_named and each.kept_minor for each in kept)
    return both and sum(each.kept_minor for each in kept) > TOTALS_MINOR[1]
