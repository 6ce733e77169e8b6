"""Hosted links: what opens one, what its page says, and how much may be paid by it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import links
from domain.errors import Refused
from domain.invoices import InvoiceState
from domain.links import AttemptState, Bill, Fate, Link, Saying
from tests.builders import an_invoice, at, ron

NOW = at("2026-11-20T10:00")
LINK = Link(1, 1, 1, 2, takes_parts=False, expires_at=None, revoked_at=None)
PAID = an_invoice(paid_minor=12000)


@given(
    st.binary(min_size=32, max_size=64),
    st.lists(st.tuples(st.integers(1), st.integers(1)), unique=True, min_size=2, max_size=20),
)
def test_every_version_of_every_link_has_a_token_of_its_own(
    secret: bytes, named: list[tuple[int, int]]
):
    tokens = [links.token(secret, *each) for each in named]

    assert len(set(tokens)) == len(named)
    assert tokens == [links.token(secret, *each) for each in named]
    for token in tokens:
        assert len(token) == 43
        assert token.replace("-", "").replace("_", "").isalnum()
        assert links.token(secret + b"x", *named[0]) != token


def test_what_is_stored_of_a_token_is_not_the_token():
    token = links.token(b"secret", 1, 1)

    assert token.encode() not in links.fingerprint(token)
    assert links.fingerprint(token) != links.fingerprint(token.upper())
    assert len(links.fingerprint("\ud800")) == 32


@pytest.mark.parametrize(
    ("link", "version", "fate"),
    [
        (LINK, 2, Fate.OPEN),
        (LINK, 1, Fate.REVOKED),
        (replace(LINK, revoked_at=NOW), 2, Fate.REVOKED),
        (replace(LINK, expires_at=NOW), 2, Fate.EXPIRED),
        (replace(LINK, expires_at=NOW + timedelta(seconds=1)), 2, Fate.OPEN),
    ],
)
def test_a_link_opens_until_it_is_revoked_or_expires(link: Link, version: int, fate: Fate):
    assert link.fate(version, NOW) is fate


@pytest.mark.parametrize(
    ("bills", "at_page", "at_return"),
    [
        ([Bill(an_invoice())], Saying.PAYABLE, Saying.PAYABLE),
        ([Bill(an_invoice(), (AttemptState.OPEN,))], Saying.PAYABLE, Saying.PROCESSING),
        ([Bill(an_invoice(), (AttemptState.FAILED,))], Saying.FAILED, Saying.FAILED),
        (
            [Bill(an_invoice(), (AttemptState.OPEN, AttemptState.PENDING))],
            Saying.PROCESSING,
            Saying.PROCESSING,
        ),
        ([Bill(an_invoice(), (AttemptState.EXPIRED,))], Saying.PAYABLE, Saying.PAYABLE),
        ([Bill(PAID, (AttemptState.PENDING,))], Saying.PAID, Saying.PAID),
        ([Bill(an_invoice(credited_minor=12000))], Saying.CLOSED, Saying.CLOSED),
        ([Bill(an_invoice(state=InvoiceState.VOID))], Saying.CLOSED, Saying.CLOSED),
        (
            [Bill(PAID), Bill(an_invoice(id_=2), (AttemptState.PENDING,)), Bill(an_invoice(id_=3))],
            Saying.PAYABLE,
            Saying.PROCESSING,
        ),
        ([], Saying.PAID, Saying.PAID),
    ],
)
def test_a_page_says_what_the_books_say(bills: list[Bill], at_page: Saying, at_return: Saying):
    assert links.saying(Fate.OPEN, bills) is at_page
    assert links.saying(Fate.OPEN, bills, is_back=True) is at_return
    assert links.saying(Fate.REVOKED, bills) is Saying.REVOKED
    assert links.saying(Fate.REVOKED, bills, is_back=True) is Saying.REVOKED


@pytest.mark.parametrize(
    ("bills", "at_page", "at_return"),
    [
        ([Bill(an_invoice())], Saying.EXPIRED, Saying.EXPIRED),
        ([Bill(an_invoice(), (AttemptState.FAILED,))], Saying.EXPIRED, Saying.EXPIRED),
        ([Bill(an_invoice(), (AttemptState.OPEN,))], Saying.EXPIRED, Saying.PROCESSING),
        ([Bill(an_invoice(), (AttemptState.PENDING,))], Saying.EXPIRED, Saying.PROCESSING),
        ([Bill(PAID, (AttemptState.SUCCEEDED,))], Saying.PAID, Saying.PAID),
        ([Bill(an_invoice(state=InvoiceState.VOID))], Saying.CLOSED, Saying.CLOSED),
    ],
)
def test_nobody_who_paid_is_sent_for_a_new_link(
    bills: list[Bill], at_page: Saying, at_return: Saying
):
    """A session may be open a while longer than its link."""
    assert links.saying(Fate.EXPIRED, bills) is at_page
    assert links.saying(Fate.EXPIRED, bills, is_back=True) is at_return


@pytest.mark.parametrize("part", ["0", "0,00", "120.01", "", "1e2", "-1", "1,000.00", "١"])
def test_a_part_that_is_no_part_is_refused(part: str):
    with pytest.raises(Refused):
        links.to_pay(ron("120"), part, takes_parts=True)


@pytest.mark.parametrize("part", ["1.190", "1,190", "1.000", "0.010", "1.190000"])
def test_a_point_between_thousands_is_never_taken_for_a_fraction(part: str):
    """Romanians write 1190 lei as 1.190; nobody is led to pay 1.19 for it."""
    with pytest.raises(Refused, match="digits"):
        links.to_pay(ron("2000"), part, takes_parts=True)


def test_a_part_counts_where_it_is_allowed():
    assert links.to_pay(ron("120"), " 20,5 ", takes_parts=True) == ron("20.50")
    assert links.to_pay(ron("120"), "120.00", takes_parts=True) == ron("120")
    assert links.to_pay(ron("120"), "20", takes_parts=False) == ron("120")
    assert links.to_pay(ron("120"), None, takes_parts=True) == ron("120")


def test_an_attempt_is_gone_on_with_while_there_is_time_to_pay():
    assert links.is_still_good(NOW + timedelta(minutes=10), NOW, is_opened=True)
    assert not links.is_still_good(NOW + timedelta(minutes=9), NOW, is_opened=True)
    assert links.is_still_good(NOW + timedelta(minutes=35), NOW, is_opened=False)
    assert not links.is_still_good(NOW + timedelta(minutes=34), NOW, is_opened=False)
    assert links.is_still_good(NOW + links.SESSION_LIFE, NOW, is_opened=False)
