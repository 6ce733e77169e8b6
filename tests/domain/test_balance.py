"""The balance that is shown counts every cent once."""

import pytest

from domain.balance import balance_minor
from domain.invoices import InvoiceState
from domain.money import Money
from tests.builders import an_invoice, ron


@pytest.mark.parametrize(
    "part",
    ["paid_minor", "credited_minor", "written_off_minor", "settled_before_minor"],
)
def test_whatever_settles_an_invoice_leaves_its_balance(part: str):
    invoice = an_invoice(ron("120.00"), **{part: 12_000})  # type: ignore[arg-type]

    assert balance_minor(invoice, 0) == 0


def test_what_is_paid_beyond_makes_it_negative():
    invoice = an_invoice(ron("120.00"), paid_minor=12_000)

    assert balance_minor(invoice, 500) == -500


def test_a_draft_owes_its_total_less_what_came_early():
    draft = an_invoice(Money("RON", 12_000), state=InvoiceState.DRAFT)

    assert balance_minor(draft, 1_000) == 11_000


def test_a_void_invoice_owes_nothing():
    void = an_invoice(ron("120.00"), state=InvoiceState.VOID)

    assert (balance_minor(void, 0), balance_minor(void, 700)) == (0, -700)
