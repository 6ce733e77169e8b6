"""Totals add up as EN 16931 adds, and status follows from the books."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refused
from domain.invoices import InvoiceState, Status, VatCategory, status, total
from tests.builders import TODAY, a_line, an_invoice, ron


def test_vat_is_rounded_once_per_category_and_rate():
    lines = (a_line("0.10", vat_rate="5"), a_line("0.10", vat_rate="5"), a_line("0.10"))

    totals = total(lines, "RON")

    assert [net.minor for net in totals.nets] == [10, 10, 10]
    assert totals.vat == ron("0.03")  # 5 % of 0.20 is 0.01, 21 % of 0.10 is 0.021
    assert totals.total == ron("0.33")


def test_half_a_cent_rounds_up():
    assert total((a_line("0.005", vat_rate="100"),), "RON").net == ron("0.01")


def test_a_discount_comes_off_its_line_before_vat():
    totals = total((a_line("100", quantity="2", discount=ron("50")),), "RON")

    assert (totals.net, totals.vat) == (ron("150"), ron("31.50"))


def test_huge_quantities_lose_no_cent():
    line = a_line("9999.999999", quantity="99999.999999", vat_rate="21")

    assert total((line,), "RON").net == ron("999999999.89")


@pytest.mark.parametrize(
    "line",
    [
        a_line(quantity="0"),
        a_line(quantity="-1"),
        a_line("-1"),
        a_line("1.0000001"),
        a_line(vat_rate="0"),
        a_line(vat_rate="21.001"),
        a_line(vat_rate="101"),
        a_line(vat_rate="0", vat_category=VatCategory.EXEMPT),
        a_line(vat_rate="9", vat_category=VatCategory.ZERO),
        a_line("1", discount=ron("2")),
        a_line("0", vat_rate="0", vat_category=VatCategory.ZERO),
    ],
    ids=lambda line: f"{line.quantity}x{line.unit_price} {line.vat_category}{line.vat_rate}",
)
def test_senseless_lines_are_refused(line):
    with pytest.raises(Refused):
        total((line,), "RON")


def test_an_invoice_without_lines_is_refused():
    with pytest.raises(Refused, match="no_lines"):
        total((), "RON")


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_the_total_is_the_nets_and_the_vat(prices: list[int]):
    lines = tuple(a_line(str(Decimal(price) / 100)) for price in prices)

    totals = total(lines, "RON")

    assert totals.total == totals.net + totals.vat
    assert totals.net.minor == sum(net.minor for net in totals.nets)


@pytest.mark.parametrize(
    ("invoice", "expected"),
    [
        (an_invoice(state=InvoiceState.VOID), Status.VOID),
        (an_invoice(state=InvoiceState.DRAFT), Status.DRAFT),
        (an_invoice(), Status.SENT),
        (an_invoice(due_on=TODAY), Status.SENT),
        (an_invoice(due_on=TODAY - timedelta(days=1)), Status.OVERDUE),
        (an_invoice(paid_minor=1, due_on=date(2020, 1, 1)), Status.PARTIALLY_PAID),
        (an_invoice(paid_minor=12000), Status.PAID),
        (an_invoice(paid_minor=2000, written_off_minor=10000), Status.PAID),
        (an_invoice(settled_before_minor=12000), Status.PAID),
        (an_invoice(written_off_minor=12000), Status.CLOSED),
        (an_invoice(credited_minor=12000), Status.CLOSED),
    ],
)
def test_status_is_the_first_that_holds(invoice, expected):
    assert status(invoice, TODAY) is expected


def test_partially_paid_and_overdue_go_together():
    late = an_invoice(paid_minor=1, due_on=TODAY - timedelta(days=1))

    assert status(late, TODAY) is Status.PARTIALLY_PAID
    assert late.is_overdue(TODAY)


def test_nothing_is_owed_on_a_draft_or_a_void_invoice():
    assert not an_invoice(state=InvoiceState.DRAFT).is_open
    assert not an_invoice(state=InvoiceState.VOID).is_overdue(date(2030, 1, 1))
