"""Money is exact, or it is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refused
from domain.money import EXPONENTS, MOST_MINOR, Money, decimal_text, exact, parse


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1190.00", "RON", 119000),
        ("1190", "RON", 119000),
        ("0.01", "EUR", 1),
        ("500", "JPY", 500),
        ("1.005", "KWD", 1005),
        ("10.50", "ISK", None),
        ("10.001", "EUR", None),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(text, currency, minor):
    if minor is None:
        with pytest.raises(Refused, match="malformed_amount"):
            parse(text, currency)
    else:
        assert parse(text, currency) == Money(currency, minor)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "-1",
        "+1",
        "1e3",
        "1,00",
        "1.",
        ".5",
        "NaN",
        "Infinity",
        "1_0",
        "１０",
        "٣",
        "1\n",
    ],
)
def test_only_plain_decimals_are_amounts(text):
    with pytest.raises(Refused, match="malformed_amount"):
        parse(text, "RON")


@pytest.mark.parametrize("value", [Decimal("-0.01"), Decimal(MOST_MINOR), Decimal("1e12")])
def test_amounts_only_a_mistake_produces_are_refused(value):
    with pytest.raises(Refused, match="amount_out_of_range"):
        exact(value, "RON")


def test_an_unknown_currency_is_refused():
    with pytest.raises(Refused, match="unknown_currency"):
        parse("1", "XXX")


def test_currencies_do_not_mix():
    with pytest.raises(AssertionError):
        Money("RON", 1) + Money("EUR", 1)


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(0, MOST_MINOR))
def test_what_is_written_reads_back_the_same(currency, minor):
    money = Money(currency, minor)

    assert parse(decimal_text(money), currency) == money
