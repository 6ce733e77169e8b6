"""Movements of money between accounts: the only way money moves in the books."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from domain.money import Money

PAYMENT = "payment"
UNIDENTIFIED = "unidentified"
INVOICE = "invoice"
SALES = "outside:sales"
LOSS = "outside:loss"
FEES = "outside:fees"


class PostingKind(StrEnum):
    """Why money moved; an opposite posting keeps the kind of the one it reverses."""

    ISSUE = "issue"
    VOID = "void"
    RECEIVE = "receive"
    ASSIGN = "assign"
    ALLOCATE = "allocate"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    LOSS = "loss"
    FEE = "fee"
    CREDIT_NOTE = "credit_note"
    WRITE_OFF = "write_off"


class Posting(NamedTuple):
    """`money` goes from account `source` to account `destination`, effective on a local day.

    The accounts `payment` and `unidentified` are the one of `payment_id`, `invoice` that of
    `invoice_id`. `fact_id` is the fact that moved it, None when a person did; `reverses` is the
    posting this one takes back.
    """

    kind: PostingKind
    source: str
    destination: str
    money: Money
    effective_on: date
    payment_id: int | None = None
    invoice_id: int | None = None
    client_id: int | None = None
    fact_id: int | None = None
    reverses: int | None = None


class Posted(NamedTuple):
    """A posting of a payment as far as nothing has reversed it yet; `left_minor` is above zero."""

    id: int
    payment_id: int
    kind: PostingKind
    source: str
    destination: str
    invoice_id: int | None
    left_minor: int
    fact_id: int | None = None


def outside(gateway: str, account: str) -> str:
    """The account of a gateway's money outside our books."""
    return f"outside:{gateway}:{account}"
