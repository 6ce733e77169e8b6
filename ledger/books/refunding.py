"""Refunds that a person starts and ends: reserved on their payment, then sent by an errand."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from domain import refunds
from domain.attention import AttentionKind
from domain.errors import Refused
from domain.money import Money, exact
from domain.refunds import RefundState
from domain.trial import Trial, unapplied
from ledger import outbox
from ledger.books import acting, attention, holdings, journal
from ledger.books.acting import Deed, Word
from ledger.outbox import Errand
from ledger.store import Books

EFFECT = "refund"

_PANEL = "at the gateway's own panel"

_COLUMNS = (
    "id, payment_id, currency, amount_minor, state, item, actor, reason, detail, created_at,"
    " closed_at"
)


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund of ours; the amount in minor units, instants in UTC.

    `item` is what the gateway calls it, once it does; `detail` is why it ended, or did not.
    """

    id: int
    payment_id: int
    currency: str
    amount_minor: int
    state: str
    item: str | None
    actor: str
    reason: str
    detail: str | None
    created_at: datetime
    closed_at: datetime | None

    @property
    def money(self) -> Money:
        return Money(self.currency, self.amount_minor)

    @property
    def is_under_way(self) -> bool:
        return self.state in _UNDER_WAY


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is to go back, in the payment's currency; None: all that there is.

    `only_unapplied`: of what is applied to no invoice. `able` are the gateways, with whose account,
    that give back by request. `key` is the asker's own name for what he asks; None: he has none.
    `panels` has where a person gives back by hand, by gateway.
    """

    able: Collection[tuple[str, str]]
    amount: Decimal | None = None
    only_unapplied: bool = False
    key: str | None = None
    panels: Mapping[str, str] = field(default_factory=dict)


_UNDER_WAY = (RefundState.OPEN.value, RefundState.SENT.value, RefundState.UNKNOWN.value)


def begin(
    books: Books,
    payment_id: int,
    word: Word,
    now: datetime,
    asked: Asked,
) -> RefundRow:
    """Reserves what is to be given back, and plans to send it.

    Locks the payment, so of two who give the whole back one does. Refused as
    `domain.refunds.to_reserve` says, without a reason, where its gateway gives nothing back by
    request, or when there is no such payment.
    """
    if not word.reason:
        raise Refused("no_reason", "money is given back for a reason: say which")
    holdings.lock_payments(books, [payment_id])
    found = holdings.extract(books, [payment_id])
    if not found.payments:
        raise Refused("unknown_payment", "there is no such payment")
    payment = found.payments[0]
    wanted = None if asked.amount is None else exact(asked.amount, payment.currency)
    money = refunds.to_reserve(payment, wanted, only_unapplied=asked.only_unapplied)
    if (payment.gateway, payment.account) not in asked.able:
        raise Refused(
            "unsupported",
            f"{payment.gateway} gives nothing back by request here: do it"
            f" {asked.panels.get(payment.gateway, _PANEL)}",
        )
    refund = _add(books, payment_id, money, word, asked.key)
    _reserve(books, payment_id, money.minor)
    outbox.put(
        books,
        Errand(
            subject=f"refund:{refund.id}",
            effect=EFFECT,
            destination=f"{payment.gateway}:{payment.account}",
            key=f"refund:{refund.id}",
            body={},
            due_at=now,
        ),
    )
    promised = payment._replace(reserved_minor=payment.reserved_minor + money.minor)
    seen = unapplied(promised, found.intents.get(payment_id, ()), found.invoices)
    attention.renew(books, [payment_id], seen, word.actor)
    journal.record(books, journal.Act(word.actor, "refund", word.reason, after=_told(refund)))
    return refund


def get(books: Books, refund_id: int) -> RefundRow:
    """The refund; Refused when there is none. Locks nothing."""
    row = books.row(
        RefundRow,
        f"SELECT {_COLUMNS} FROM refunds WHERE id = :id",  # noqa: S608 - a constant
        id=refund_id,
    )
    if row is None:
        raise Refused("unknown_refund", f"there is no refund {refund_id}")
    return row


def only(books: Books, payment_id: int, refund_id: int) -> RefundRow:
    """The refund, if it is of this payment; else Refused."""
    row = get(books, refund_id)
    if row.payment_id != payment_id:
        raise Refused("unknown_refund", f"there is no refund {refund_id} of this payment")
    return row


def of_payment(books: Books, payment_id: int) -> list[RefundRow]:
    """The refunds of a payment, oldest first. Locks nothing."""
    return books.rows(
        RefundRow,
        f"SELECT {_COLUMNS} FROM refunds"  # noqa: S608 - a constant
        " WHERE payment_id = :id ORDER BY id",
        id=payment_id,
    )


def asked_as(books: Books, payment_id: int, actor: str, key: str | None) -> RefundRow:
    """The refund that this actor asked for under this key. Locks nothing."""
    row = books.row(
        RefundRow,
        f"SELECT {_COLUMNS} FROM refunds"  # noqa: S608 - a constant
        " WHERE (payment_id, actor, asked_as) = (:payment, :actor, :key)",
        payment=payment_id,
        actor=actor,
        key=key,
    )
    assert row is not None, "a key stands for what was done under it"
    return row


def release(books: Books, refund_id: int, word: Word) -> bool:
    """Ends a refund that did not happen, and applies what was reserved for it where it is meant.

    False when it had ended already. Locks the payment, then its invoices.
    """
    payment_id = get(books, refund_id).payment_id
    holdings.lock_payments(books, [payment_id])
    holdings.lock_invoices_touched(books, [payment_id])
    refund = get(books, refund_id)
    if not refund.is_under_way:
        return False
    _close(books, refund.id, word.reason)
    _reserve(books, payment_id, -refund.amount_minor)
    trial = Trial(holdings.extract(books, [payment_id]))
    trial.apply(payment_id, word.today)
    ended = replace(refund, state=RefundState.FAILED.value)
    acting.carry_out(books, trial, Deed("refund_ended", _told(refund), _told(ended)), word)
    return True


def end(books: Books, refund_id: int, word: Word) -> None:
    """A person says that a refund is over: what was reserved is free again.

    What the gateway tells of it is booked all the same. Refused while the gateway has it, or may
    just be asked for it; and when it has ended. Locks the payment, its invoices, the errand.
    """
    refund = get(books, refund_id)
    if refund.state == RefundState.SENT.value:
        raise Refused("sent", "the gateway has taken this refund up; it ends when it says so")
    if refund.state == RefundState.OPEN.value and not _take_back(books, refund, word):
        raise Refused("under_way", "the gateway is being asked just now; look again in a minute")
    if not release(books, refund_id, word):
        raise Refused("ended", "this refund has ended already")
    subject = f"refund:{refund_id}"
    attention.close(books, subject, [AttentionKind.REFUND_FAILED], word.actor, word.reason or "")


def _take_back(books: Books, refund: RefundRow, word: Word) -> bool:
    """Cancels the errand of a refund that was never sent; False when it may have been."""
    holdings.lock_payments(books, [refund.payment_id])
    holdings.lock_invoices_touched(books, [refund.payment_id])
    return bool(
        books.run(
            "UPDATE outbox SET state = 'cancelled', reason = :reason,"
            " closed_at = clock_timestamp()"
            " WHERE key = :key AND state = 'waiting'"
            " AND attempts = coalesce(CAST(body ->> 'refused' AS integer), 0)",
            key=f"refund:{refund.id}",
            reason=word.reason,
        )
    )


def _add(books: Books, payment_id: int, money: Money, word: Word, key: str | None) -> RefundRow:
    row = books.row(
        RefundRow,
        f"""
        INSERT INTO refunds (payment_id, currency, amount_minor, actor, reason, asked_as)
        VALUES (:payment, :currency, :amount, :actor, :reason, :key) RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant
        payment=payment_id,
        currency=money.currency,
        amount=money.minor,
        actor=word.actor,
        reason=word.reason,
        key=key,
    )
    assert row is not None, "an insert answers its row"
    return row


def _reserve(books: Books, payment_id: int, minor: int) -> None:
    books.run(
        "UPDATE payments SET reserved_minor = reserved_minor + :minor, updated_at = now()"
        " WHERE id = :id",
        id=payment_id,
        minor=minor,
    )


def _close(books: Books, refund_id: int, detail: str | None) -> None:
    books.run(
        "UPDATE refunds SET state = 'failed', detail = :detail, closed_at = clock_timestamp()"
        " WHERE id = :id",
        id=refund_id,
        detail=detail,
    )


def _told(refund: RefundRow) -> dict[str, object]:
    return {
        "refund": refund.id,
        "payment": refund.payment_id,
        "amount_minor": refund.amount_minor,
        "state": refund.state,
    }
