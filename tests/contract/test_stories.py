"""What becomes of a payment is in the books, however often and in whatever order it is told."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from domain.money import Money, decimal_text
from gateways.capabilities import Verb
from tests.contract import stories
from tests.contract.far_side import Act
from tests.contract.shops import Shop
from tests.contract.stories import STORIES, Story
from tests.sandbox.listening import Taken

_ORDERS = 5
_AGREEING = (Act.PAY, Act.DECLINE, Act.LEAVE_PENDING)

every_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)


@every_story
def test_the_books_follow_what_happens_at_the_gateway(shop: Shop, story: Story):
    follow(shop, story)


def follow(shop: Shop, story: Story) -> None:
    """Each step is told at once, and the books know it."""
    invoice = shop.bill()
    page = shop.page(invoice)

    for step in stories.told(story, shop.far.gateway.capabilities):
        shop.far.act(page, step.act, step.amount)

        assert bool(shop.hear()) is step.is_told
        standing = shop.desk.standing(invoice.id)
        paid = decimal_text(Money(standing.currency, standing.paid_minor))
        assert (paid, shop.attention()) == (step.paid, set(step.attention))
        shop.assert_level()

    has_money = any(key.side == "money" for key in shop.far.ledger())
    assert len(shop.desk.payments()) == has_money


@every_story
def test_what_is_told_twice_happens_once(shop: Shop, story: Story):
    once = _grown(shop, lambda: _played(shop, story))

    shop.far.double()
    deliveries: list[Taken] = []
    twice = _grown(shop, lambda: deliveries.extend(_played(shop, story, copies=2)))
    again = _grown(shop, lambda: _take(shop, deliveries, random.Random(1)))

    heard = [step for step in stories.told(story, shop.far.gateway.capabilities) if step.is_told]
    assert len(deliveries) >= 2 * len(heard) > 0
    assert twice == once
    assert again == Counter()
    shop.assert_level()


@every_story
def test_what_is_told_in_any_order_comes_to_the_same(shop: Shop, story: Story):
    in_order = _grown(shop, lambda: _played(shop, story))
    seen: set[tuple[str, ...]] = set()

    for seed in range(_ORDERS):
        order: list[str] = []
        grown = _grown(shop, lambda: order.extend(_shuffled(shop, story, seed)))  # noqa: B023 - at once

        assert grown == in_order, order
        shop.assert_level()
        seen.add(tuple(order))

    assert len(seen) > min(_ORDERS, len(order)) // 2


def _played(shop: Shop, story: Story, copies: int = 1) -> list[Taken]:
    """The story of a new invoice, each step told at once; what was delivered."""
    page, told = shop.page(shop.bill()), []
    for step in stories.told(story, shop.far.gateway.capabilities):
        shop.far.act(page, step.act, step.amount)
        while new := shop.far.sent():
            for _ in range(copies):
                shop.take(new)
            shop.catch_up()
            told += new
    return told


def _shuffled(shop: Shop, story: Story, seed: int) -> list[str]:
    """The story of a new invoice, told after its end, backwards or as chance has it; the order.

    An order that waits to be captured is told of at once, and then once more.
    """
    page, told = shop.page(shop.bill()), []
    for step in stories.told(story, shop.far.gateway.capabilities):
        shop.far.act(page, step.act, step.amount)
        told += shop.far.sent()
        if step.act in _AGREEING and shop.far.gateway.capabilities.can(Verb.CAPTURE):
            shop.take(told)
            shop.work()
            told += shop.far.sent()
    chance, order = random.Random(seed), list(enumerate(told))[::-1]
    if seed:
        chance.shuffle(order)
    _take(shop, [each for _, each in order], chance)
    assert shop.far.sent() == []
    return [f"{place} {each.kind}" for place, each in order]


def _take(shop: Shop, deliveries: list[Taken], chance: random.Random) -> None:
    """One after another, the workers busy between some of them."""
    for each in deliveries:
        shop.take([each])
        if chance.random() < 0.5:
            shop.work()
    shop.catch_up()


def _grown(shop: Shop, act: Callable[[], object]) -> Counter[str]:
    """What the books say more, or less, after it."""
    before = shop.books()
    act()
    after = shop.books()
    after.subtract(before)
    return Counter({row: count for row, count in after.items() if count})
