"""A public id names one kind of row and reads back to its number."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import Kind, number, public

_NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


@given(st.sampled_from(Kind), st.integers(1, 2**60 - 1))
def test_an_id_reads_back_to_its_row(kind, row):
    assert number(kind, str(public(kind, row))) == row
    assert public(kind, row).version == 8
    assert public(kind, row).variant == "specified in RFC 4122"


@given(st.integers(1, 2**60 - 1))
def test_an_invoices_id_is_no_payments_id(row):
    assert number(Kind.PAYMENT, str(public(Kind.INVOICE, row))) is None


@pytest.mark.parametrize("text", ["", "12", "x", str(uuid5(_NAMESPACE, "x")), "0" * 32])
def test_anything_else_is_no_id(text):
    assert number(Kind.INVOICE, text) is None
