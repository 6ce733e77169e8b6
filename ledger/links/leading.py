"""The attempt whose order a page of ours leads on with, where its gateway takes a form alone."""

from dataclasses import dataclass
from datetime import datetime

from ledger.links import attempting
from ledger.links.attempting import Attempt
from ledger.links.showing import Shown
from ledger.store import Books

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Leading:
    """An attempt that can be gone on with, and whose page it leads to."""

    gateway: str
    account: str
    attempt: Attempt


def find(books: Books, shown: Shown, attempt_id: int, now: datetime) -> Leading | None:
    """The attempt of this link, while something of it is to be paid; else None. Locks nothing."""
    if attempt_id > _LARGEST_ID:
        return None
    row = books.row(
        _Row,
        """
        SELECT a.gateway, a.account FROM attempts a
        WHERE a.id = :id AND (a.link_id, a.link_version) = (:link, :version)
          AND a.state IN ('open', 'failed') AND a.session IS NOT NULL AND a.expires_at > :now
          AND EXISTS (SELECT FROM attempt_invoices n JOIN invoices i ON i.id = n.invoice_id
                      WHERE n.attempt_id = a.id AND i.is_open)
        """,
        id=attempt_id,
        link=shown.link.id,
        version=shown.version,
        now=now,
    )
    if row is None:
        return None
    return Leading(row.gateway, row.account, attempting.get(books, attempt_id))


@dataclass(frozen=True, slots=True)
class _Row:
    gateway: str
    account: str
