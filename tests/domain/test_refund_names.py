"""Which refund of ours is told of where a gateway has no names for them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.money import Money
from domain.refunds import Ours, RefundState, told_of
from tests.builders import at

BEGUN = at("2026-11-21")
DONE = Ours("refund:1", Money("RON", 2_100), RefundState.DONE, BEGUN, BEGUN + timedelta(seconds=3))
LOST = replace(DONE, item="refund:2", state=RefundState.UNKNOWN, closed_at=None)
OPEN = replace(LOST, item="refund:3", state=RefundState.OPEN)
TOLD = replace(DONE, told_at=BEGUN + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("ours", "minutes", "meant", "is_sure"),
    [
        ((), 2, None, True),
        ((DONE,), 2, "refund:1", True),
        ((TOLD,), 1, "refund:1", True),
        ((TOLD,), 2, "refund:1", False),
        ((LOST,), 2, "refund:2", True),
        ((OPEN,), 2, "refund:3", True),
        ((LOST, OPEN), 2, "refund:2", True),
        ((LOST,), 60 * 24 * 9, "refund:2", True),
        ((LOST, DONE), 2, "refund:1", True),
        ((LOST, TOLD), 2, "refund:1", False),
        ((LOST, TOLD), 1, "refund:1", True),
        ((TOLD, replace(DONE, item="refund:4")), 2, "refund:4", True),
        ((DONE,), 60 * 25, "refund:1", False),
        ((DONE,), -60 * 23, "refund:1", True),
        ((DONE,), -60 * 25, None, True),
        ((LOST,), -60 * 25, None, True),
        ((replace(DONE, money=Money("RON", 2_101)),), 2, None, True),
        ((replace(DONE, money=Money("EUR", 2_100)),), 2, None, True),
    ],
)
def test_a_refund_is_meant_only_where_it_can_be_no_other(
    ours: tuple[Ours, ...], minutes: int, meant: str | None, is_sure: bool
):
    found, sure = told_of(ours, Money("RON", 2_100), BEGUN + timedelta(minutes=minutes))

    assert (found.item if found else None, sure) == (meant, is_sure)
