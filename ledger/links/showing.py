"""What a link shows: whose it is, what for, and what our books say of it at this moment."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain import letters, links
from domain.letters import Language
from domain.links import AttemptState, Bill, Fate, Link
from ledger.books.holdings import STANDING_COLUMNS, standing
from ledger.links.granting import COLUMNS
from ledger.store import Books

_MOST_BILLS = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A link that some token opened, and what became of it for that token."""

    link: Link
    version: int
    fate: Fate


@dataclass(frozen=True, slots=True)
class Page:
    """What a customer sees. `bills` are in the order in which money would be applied."""

    seller: str
    ibans: tuple[str, ...]
    language: Language
    bills: tuple[Bill, ...]


def find(books: Books, token: str, now: datetime) -> Shown | None:
    """The link of this token; None when nobody was ever given it.

    Every wrong token takes the same way: one hash, one look into one index.
    """
    row = books.row(
        _TokenRow,
        "SELECT link_id, version FROM pay_tokens WHERE sha256 = :sha256",
        sha256=links.fingerprint(token),
    )
    if row is None:
        return None
    link = get(books, row.link_id)
    return Shown(link, row.version, link.fate(row.version, now))


def get(books: Books, link_id: int) -> Link:
    """The link of this number, as it stands now."""
    link = books.row(
        Link,
        f"SELECT {COLUMNS} FROM pay_links WHERE id = :id",  # noqa: S608 - a constant
        id=link_id,
    )
    assert link is not None, "a link stays"
    return link


def page(books: Books, link: Link) -> Page:
    """What there is to see by this link, from our own books."""
    parties = books.row(
        _Parties,
        "SELECT s.name, s.ibans, c.language FROM seller s, clients c WHERE c.id = :client",
        client=link.client_id,
    )
    assert parties is not None, "an issued invoice has a seller and a client"
    language = letters.language(parties.language)
    return Page(parties.seller, tuple(parties.ibans), language, bills(books, link))


def attempt(books: Books, link: Link, attempt_id: int) -> tuple[str, AttemptState] | None:
    """The gateway and the state of an attempt of this link; None when it has no such one."""
    row = books.row(
        _OneRow,
        "SELECT gateway, state FROM attempts WHERE id = :id AND link_id = :link",
        id=attempt_id,
        link=link.id,
    )
    return None if row is None else (row.gateway, AttemptState(row.state))


def bills(books: Books, link: Link) -> tuple[Bill, ...]:
    """The invoice of the link, or all open ones of its client: the longest due first."""
    found = books.rows(
        standing,
        f"""
        SELECT {STANDING_COLUMNS} FROM invoices i
        WHERE client_id = :client
          AND (i.id = :invoice OR (CAST(:invoice AS bigint) IS NULL AND i.is_open))
        ORDER BY due_on, id LIMIT :most
        """,  # noqa: S608 - a constant
        client=link.client_id,
        invoice=link.invoice_id,
        most=_MOST_BILLS,
    )
    states = _attempts(books, [invoice.id for invoice in found])
    return tuple(Bill(invoice, tuple(states[invoice.id])) for invoice in found)


def _attempts(books: Books, invoice_ids: Sequence[int]) -> dict[int, list[AttemptState]]:
    rows = books.rows(
        _AttemptRow,
        """
        SELECT n.invoice_id, a.state FROM attempt_invoices n JOIN attempts a ON a.id = n.attempt_id
        WHERE n.invoice_id = ANY (CAST(:ids AS bigint[])) ORDER BY a.id DESC
        """,
        ids=list(invoice_ids),
    )
    states: dict[int, list[AttemptState]] = defaultdict(list)
    for row in rows:
        states[row.invoice_id].append(AttemptState(row.state))
    return states


@dataclass(frozen=True, slots=True)
class _TokenRow:
    link_id: int
    version: int


@dataclass(frozen=True, slots=True)
class _Parties:
    seller: str
    ibans: list[str]
    language: str


@dataclass(frozen=True, slots=True)
class _AttemptRow:
    invoice_id: int
    state: str


@dataclass(frozen=True, slots=True)
class _OneRow:
    gateway: str
    state: str
