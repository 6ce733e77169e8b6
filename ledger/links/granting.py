"""Links as they are given out and taken back; of a token only the hash is stored."""

from dataclasses import dataclass
from datetime import datetime

from domain import links
from domain.errors import Refused
from domain.invoices import InvoiceState, Standing
from domain.links import Link
from ledger.books import clients, invoices, journal
from ledger.links import closing
from ledger.store import Books

COLUMNS = "id, client_id, invoice_id, version, takes_parts, expires_at, revoked_at"


@dataclass(frozen=True, slots=True)
class Target:
    """What a link is for: one invoice, or with None all that the client owes."""

    client_id: int
    invoice_id: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a link allows; None leaves it as it is, at first: whole amounts, without an end."""

    takes_parts: bool | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A link with the token that opens it."""

    link: Link
    token: str


def of_invoice(books: Books, invoice_id: int) -> Target:
    """What a link to an invoice is for; Refused when it is unknown, a draft or void."""
    invoice = invoices.find(books, invoice_id)
    if invoice is None:
        raise Refused("unknown_invoice", "there is no such invoice")
    return _payable(invoice)


def of_any_invoice(books: Books, invoice_id: int) -> Target:
    """As `of_invoice`, whatever became of the invoice: a link of a void one is taken back, too."""
    invoice = invoices.find(books, invoice_id)
    if invoice is None:
        raise Refused("unknown_invoice", "there is no such invoice")
    return Target(invoice.client_id, invoice.id)


def of_client(books: Books, client_id: int) -> Target:
    """What a link to all that a client owes is for; Refused when there is no such client."""
    if clients.find(books, client_id) is None:
        raise Refused("unknown_client", "there is no such client")
    return Target(client_id, None)


def grant(
    books: Books, target: Target, terms: Terms, secret: bytes, actor: str, now: datetime
) -> Granted:
    """The one link of its target, made where there is none; asked again it is the same.

    One that was revoked or has expired is opened again, under its new version. Locks the link.
    """
    if terms.expires_at is not None and terms.expires_at <= now:
        raise Refused("malformed_dates", "a link expires in the future")
    link = books.row(
        Link,
        f"""
        INSERT INTO pay_links AS l (client_id, invoice_id, takes_parts, expires_at)
        VALUES (:client, :invoice, coalesce(CAST(:parts AS boolean), false), :expires_at)
        ON CONFLICT ON CONSTRAINT pay_links_once DO UPDATE SET
            revoked_at = NULL,
            takes_parts = coalesce(CAST(:parts AS boolean), l.takes_parts),
            expires_at = coalesce(CAST(:expires_at AS timestamptz),
                                  CASE WHEN l.revoked_at IS NULL AND l.expires_at > :now
                                       THEN l.expires_at END)
        RETURNING {COLUMNS}
        """,  # noqa: S608 - a constant
        client=target.client_id,
        invoice=target.invoice_id,
        parts=terms.takes_parts,
        expires_at=terms.expires_at,
        now=now,
    )
    assert link is not None, "an upsert answers its row"
    granted = _told(books, link, secret)
    journal.record(books, journal.Act(actor, "grant_link", after=_seen(link)), ())
    return granted


def for_letter(books: Books, target: Target, secret: bytes, now: datetime) -> str | None:
    """The token that a letter carries; None when a person revoked the link, or it has expired.

    Made where there never was one. Locks nothing that is there, so it may come after any lock.
    """
    books.run(
        "INSERT INTO pay_links (client_id, invoice_id) VALUES (:client, :invoice)"
        " ON CONFLICT ON CONSTRAINT pay_links_once DO NOTHING",
        client=target.client_id,
        invoice=target.invoice_id,
    )
    link = find(books, target)
    if link is None or link.fate(link.version, now) is not links.Fate.OPEN:
        return None
    return _told(books, link, secret).token


def revoke(books: Books, target: Target, actor: str, now: datetime) -> bool:
    """Takes a link back: no token of it opens anything, and its open sessions are closed.

    False when there is none, or it was taken back before. Locks the link.
    """
    link = books.row(
        Link,
        f"""
        UPDATE pay_links SET version = version + 1, revoked_at = :now
        WHERE client_id = :client AND invoice_id IS NOT DISTINCT FROM CAST(:invoice AS bigint)
          AND revoked_at IS NULL
        RETURNING {COLUMNS}
        """,  # noqa: S608 - a constant
        client=target.client_id,
        invoice=target.invoice_id,
        now=now,
    )
    if link is None:
        return False
    closing.plan_for_link(books, link.id)
    journal.record(books, journal.Act(actor, "revoke_link", after=_seen(link)), ())
    return True


def find(books: Books, target: Target) -> Link | None:
    """The link of this target, or None. Locks nothing."""
    return books.row(
        Link,
        f"SELECT {COLUMNS} FROM pay_links WHERE client_id = :client"  # noqa: S608 - a constant
        " AND invoice_id IS NOT DISTINCT FROM CAST(:invoice AS bigint)",
        client=target.client_id,
        invoice=target.invoice_id,
    )


def _payable(invoice: Standing) -> Target:
    match invoice.state:
        case InvoiceState.DRAFT:
            raise Refused("not_issued", "a draft is not owed yet: send it first")
        case InvoiceState.VOID:
            raise Refused("void_invoice", "a void invoice is not owed")
        case InvoiceState.ISSUED:
            return Target(invoice.client_id, invoice.id)


def _told(books: Books, link: Link, secret: bytes) -> Granted:
    """The link's token, whose hash is there from now on, also after a change of the secret."""
    token = links.token(secret, link.id, link.version)
    books.run(
        "INSERT INTO pay_tokens (sha256, link_id, version) VALUES (:sha256, :link, :version)"
        " ON CONFLICT ON CONSTRAINT pay_tokens_pkey DO NOTHING",
        sha256=links.fingerprint(token),
        link=link.id,
        version=link.version,
    )
    return Granted(link, token)


def _seen(link: Link) -> dict[str, object]:
    return {
        "link": link.id,
        "client": link.client_id,
        "invoice": link.invoice_id,
        "version": link.version,
        "takes_parts": link.takes_parts,
    }
