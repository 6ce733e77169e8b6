"""A customer's click: the attempt that is stored before its gateway is called, and after.

What is said to the gateway follows from stored rows alone, so whoever goes on with an attempt says
the same, under the same key, and gets the same session.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain import letters, links
from domain.errors import Refused
from domain.letters import Language
from domain.links import Bill, Fate
from domain.money import Money
from ledger.links import closing, showing
from ledger.links.showing import Shown
from ledger.store import Books, columns


@dataclass(frozen=True, slots=True)
class Click:
    """What a customer chose, as far as it is his to choose.

    `invoice_ids` of None: all that is to be paid in `currency`; of None: in the first one there is.
    `part` is how much, as he wrote it; None: all. `language` is that of the page.
    """

    gateway: str
    account: str
    language: Language
    currency: str | None = None
    invoice_ids: frozenset[int] | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt with all that its gateway is told; `url` is where it is paid, None until opened.

    `expires_at` and `began_at` are aware. `numbers` are those of its invoices, in order.
    """

    id: int
    order_id: str
    money: Money
    language: Language
    numbers: tuple[str, ...]
    seller: str
    email: str | None
    link_id: int
    link_version: int
    expires_at: datetime
    began_at: datetime
    url: str | None

    @property
    def key(self) -> str:
        """The same key is the same session, at every gateway."""
        return f"link:{self.order_id}"


def begin(books: Books, shown: Shown, click: Click, now: datetime) -> Attempt:
    """The attempt that this click goes on with, or a new one in place of those it is no longer.

    Locks the link, the attempts at what it shows, then their invoices: so of many clicks one makes
    the attempt, and an invoice that is closed meanwhile is seen closed, or sees the attempt.
    Refused when there is nothing to pay, by this link, or so much, or too often within an hour.
    """
    books.run("SELECT FROM pay_links WHERE id = :id FOR NO KEY UPDATE", id=shown.link.id)
    link = showing.get(books, shown.link.id)
    if link.fate(shown.version, now) is not Fate.OPEN:
        raise Refused("link_closed", "this link opens nothing any more")
    _lock(books, [bill.invoice.id for bill in showing.bills(books, link)])
    chosen = _chosen(showing.bills(books, link), click)
    owed = Money(chosen[0].invoice.currency, sum(bill.invoice.open_minor for bill in chosen))
    money = links.to_pay(owed, click.part, takes_parts=link.takes_parts)
    invoice_ids = [bill.invoice.id for bill in chosen]
    others = _living(books, click, invoice_ids)
    for each in others:
        if _is_same(each, shown, click, money, invoice_ids) and links.is_still_good(
            each.expires_at, now, is_opened=each.session is not None
        ):
            return get(books, each.id)
    if _recent(books, shown.link.id, now - timedelta(hours=1)) >= links.MOST_ATTEMPTS_PER_HOUR:
        raise Refused("too_many_attempts", "this link has opened too many sessions within an hour")
    _replace(books, [each.id for each in others])
    return get(books, _add(books, shown, click, chosen, money, now))


def get(books: Books, attempt_id: int) -> Attempt:
    """The attempt with what its gateway is told. Locks nothing."""
    row = books.row(
        _AttemptRow,
        """
        SELECT a.id, a.order_id, a.currency, a.amount_minor, a.language,
               (SELECT array_agg(i.number ORDER BY n.position) FROM attempt_invoices n
                JOIN invoices i ON i.id = n.invoice_id WHERE n.attempt_id = a.id),
               s.name, c.email, a.link_id, a.link_version, a.expires_at, a.created_at, a.url
        FROM attempts a JOIN pay_links l ON l.id = a.link_id JOIN clients c ON c.id = l.client_id,
             seller s
        WHERE a.id = :id
        """,
        id=attempt_id,
    )
    assert row is not None, "an attempt stays"
    return Attempt(
        id=row.id,
        order_id=row.order_id,
        money=Money(row.currency, row.amount_minor),
        language=letters.language(row.language),
        numbers=tuple(row.numbers),
        seller=row.seller,
        email=row.email,
        link_id=row.link_id,
        link_version=row.link_version,
        expires_at=row.expires_at,
        began_at=row.began_at,
        url=row.url,
    )


def opened(books: Books, attempt_id: int, session_id: str, url: str) -> bool:
    """Stores the session of an attempt; False when another one has taken its place meanwhile.

    Storing it again changes nothing. Then the session that nobody was shown is closed by the errand
    that the other one planned. Locks the attempt.
    """
    state = books.value(
        "UPDATE attempts SET session = :session, url = :url, updated_at = now()"
        " WHERE id = :id RETURNING state",
        id=attempt_id,
        session=session_id,
        url=url,
    )
    return bool(state == "open")


def give_up(books: Books, attempt_id: int) -> None:
    """Ends an attempt that no session was stored for: the next click begins another one.

    Should a session be open all the same, nobody has its address. Locks the attempt.
    """
    books.run(
        "UPDATE attempts SET state = 'cancelled', updated_at = now()"
        " WHERE id = :id AND state = 'open' AND session IS NULL",
        id=attempt_id,
    )


def _lock(books: Books, invoice_ids: Sequence[int]) -> None:
    """Locks the attempts that may be gone on with or replaced, then the invoices, each by id."""
    books.run(
        """
        SELECT FROM attempts
        WHERE id IN (SELECT attempt_id FROM attempt_invoices
                     WHERE invoice_id = ANY (CAST(:ids AS bigint[])))
          AND state IN ('open', 'failed')
        ORDER BY id FOR NO KEY UPDATE
        """,
        ids=list(invoice_ids),
    )
    books.run(
        "SELECT FROM invoices WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id"
        " FOR NO KEY UPDATE",
        ids=list(invoice_ids),
    )


def _chosen(bills: Sequence[Bill], click: Click) -> list[Bill]:
    """What of the link's own bills the customer pays; whatever else he names is passed over."""
    payable = [
        bill
        for bill in bills
        if bill.is_payable
        and (click.invoice_ids is None or bill.invoice.id in click.invoice_ids)
        and (click.currency is None or bill.invoice.currency == click.currency)
    ]
    if not payable:
        raise Refused("nothing_to_pay", "nothing of this is to be paid now")
    return [bill for bill in payable if bill.invoice.currency == payable[0].invoice.currency]


@dataclass(frozen=True, slots=True)
class _LivingRow:
    id: int
    state: str
    link_id: int
    link_version: int
    language: str
    currency: str
    amount_minor: int
    invoice_ids: list[int]
    session: str | None
    expires_at: datetime


def _living(books: Books, click: Click, invoice_ids: Collection[int]) -> list[_LivingRow]:
    """The attempts at any of these invoices, at this gateway, in which somebody may still pay."""
    return books.rows(
        _LivingRow,
        """
        SELECT a.id, a.state, a.link_id, a.link_version, a.language, a.currency, a.amount_minor,
               (SELECT array_agg(n.invoice_id ORDER BY n.position) FROM attempt_invoices n
                WHERE n.attempt_id = a.id), a.session, a.expires_at
        FROM attempts a
        WHERE (a.gateway, a.account) = (:gateway, :account) AND a.state IN ('open', 'failed')
          AND a.id IN (SELECT attempt_id FROM attempt_invoices
                       WHERE invoice_id = ANY (CAST(:ids AS bigint[])))
        ORDER BY a.id DESC
        """,
        gateway=click.gateway,
        account=click.account,
        ids=list(invoice_ids),
    )


def _recent(books: Books, link_id: int, since: datetime) -> int:
    """How many attempts the link has begun since then."""
    return int(
        books.value(
            "SELECT count(*) FROM attempts WHERE link_id = :link AND created_at > :since",
            link=link_id,
            since=since,
        )
    )


def _is_same(
    each: _LivingRow, shown: Shown, click: Click, money: Money, invoice_ids: Sequence[int]
) -> bool:
    """Whether an open attempt is just what this click asks for."""
    asked = (shown.link.id, shown.version, click.language, money.currency, money.minor)
    told = (each.link_id, each.link_version, each.language, each.currency, each.amount_minor)
    return each.state == "open" and asked == told and each.invoice_ids == list(invoice_ids)


def _replace(books: Books, attempt_ids: Sequence[int]) -> None:
    if not attempt_ids:
        return
    books.run(
        "UPDATE attempts SET state = 'expired', updated_at = now()"
        " WHERE id = ANY (CAST(:ids AS bigint[])) AND state IN ('open', 'failed')",
        ids=list(attempt_ids),
    )
    closing.plan_for_attempts(books, attempt_ids)


def _add(
    books: Books, shown: Shown, click: Click, chosen: Sequence[Bill], money: Money, now: datetime
) -> int:
    """Stores a new attempt, named after its first invoice, under that invoice's lock."""
    first = chosen[0].invoice
    attempt_id = books.value(
        """
        INSERT INTO attempts (invoice_id, gateway, account, order_id, currency, amount_minor,
                              link_id, link_version, language, expires_at)
        SELECT :invoice, :gateway, :account, :number || '-' || free.count, :currency, :amount,
               :link, :version, :language, :expires_at
        FROM generate_series(1, 100 + (SELECT count(*) FROM attempts WHERE invoice_id = :invoice))
             AS free (count)
        WHERE NOT EXISTS (SELECT FROM attempts WHERE invoice_id = :invoice
                          AND order_id = :number || '-' || free.count)
          AND NOT EXISTS (SELECT FROM invoices WHERE number = :number || '-' || free.count)
        ORDER BY free.count LIMIT 1
        RETURNING id
        """,
        invoice=first.id,
        gateway=click.gateway,
        account=click.account,
        number=first.number,
        currency=money.currency,
        amount=money.minor,
        link=shown.link.id,
        version=shown.version,
        language=click.language,
        expires_at=(now + links.SESSION_LIFE).replace(microsecond=0),
    )
    rows = [(position, bill.invoice.id) for position, bill in enumerate(chosen)]
    books.run(
        "INSERT INTO attempt_invoices (attempt_id, position, invoice_id)"
        " SELECT :attempt, * FROM unnest(CAST(:positions AS integer[]),"
        " CAST(:invoices AS bigint[]))",
        attempt=attempt_id,
        **columns(rows, ("positions", "invoices")),
    )
    return int(attempt_id)


@dataclass(frozen=True, slots=True)
class _AttemptRow:
    id: int
    order_id: str
    currency: str
    amount_minor: int
    language: str
    numbers: list[str]
    seller: str
    email: str | None
    link_id: int
    link_version: int
    expires_at: datetime
    began_at: datetime
    url: str | None
