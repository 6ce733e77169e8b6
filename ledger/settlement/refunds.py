"""Refunds on their way to the gateway: each sent once, or known to be unknown."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.attention import Attention, AttentionKind
from domain.money import Money
from ledger import outbox, stops
from ledger.books import attention, holdings, refunding
from ledger.books.acting import Word
from ledger.inbox import answers
from ledger.outbox import Leased
from ledger.settlement import lookups
from ledger.settlement.lookups import Question
from ledger.store import Books


@dataclass(frozen=True, slots=True)
class Sending:
    """A leased refund: of which payment, how much; `age` is how long ago it was said.

    `may_have_gone`: the gateway was asked before, and did not say that it gives nothing back.
    `order_id` is the one order that the payment is of; None: none was told, or several.
    """

    leased: Leased
    id: int
    payment_id: int
    gateway: str
    account: str
    reference: str
    money: Money
    order_id: str | None
    may_have_gone: bool
    age: timedelta


def claim(books: Books, now: datetime) -> Sending | None:
    """Leases the next due refund; None when there is none, or refunds are stopped.

    Commit before you call. Locks the errand.
    """
    if stops.are_refunds_stopped(books):
        return None
    due = outbox.next_due(books, refunding.EFFECT, now)
    leased = outbox.lease(books, due[0], now) if due else None
    if leased is None:
        return None
    refund = refunding.get(books, int(leased.subject.removeprefix("refund:")))
    gateway, _, account = leased.destination.partition(":")
    return Sending(
        leased=leased,
        id=refund.id,
        payment_id=refund.payment_id,
        gateway=gateway,
        account=account,
        reference=holdings.reference(books, refund.payment_id),
        money=refund.money,
        order_id=holdings.order_id(books, refund.payment_id),
        may_have_gone=leased.attempts > 1 + leased.body.get("refused", 0),
        age=now - leased.created_at,
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """What a gateway says that took a refund up: what it calls it, and how to ask about it.

    `answer` with its hash is all that ever tells of it; None where it can be asked about.
    """

    item: str
    name: str
    answer: bytes | None = None
    sha256: bytes = b""


def sent(books: Books, sending: Sending, told: Sent) -> list[int] | None:
    """The gateway has taken it up; the events to settle now. None when the lease had passed on.

    Its answer is kept as an event, or it is asked about until its fact is told. Locks the payment,
    then the errand.
    """
    holdings.lock_payments(books, [sending.payment_id])
    if not outbox.finish(books, sending.leased):
        return None
    _say(books, sending, "sent", told.item, None)
    _forget(books, sending, "sent")
    if told.answer is None:
        reference = (sending.gateway, sending.account, told.name)
        lookups.plan(books, [Question(reference, f"refund {told.item}", is_urgent=True)])
        return []
    name = f"refund:{sending.id}"
    owner = (sending.gateway, sending.account)
    return [answers.keep(books, *owner, name, told.answer, told.sha256).inbox_id]


def put_off(books: Books, sending: Sending, reason: str, now: datetime) -> bool:
    """Gives the refund back for a later try; False when the lease had passed on.

    10, 20, 40 … seconds, then every quarter of an hour.
    """
    return outbox.put_off(books, sending.leased, now + outbox.pause(sending.leased), reason)


def spare(books: Books, sending: Sending, reason: str, now: datetime) -> bool:
    """As `put_off`, of one that the gateway was not asked for this time, or refused to hear of."""
    body = sending.leased.body
    if not sending.may_have_gone:
        body = {"refused": sending.leased.attempts}
    due_at = now + outbox.pause(sending.leased)
    return outbox.put_off(books, sending.leased, due_at, reason, body)


def wait(books: Books, sending: Sending, reason: str, now: datetime) -> bool:
    """As `spare`, and a person is told at once: only his help makes a later try better."""
    is_ours = spare(books, sending, reason, now)
    if is_ours:
        _show(books, sending, reason)
    return is_ours


def refuse(books: Books, sending: Sending, word: Word) -> bool:
    """The gateway gives nothing back: what was reserved is free again, and a person is told.

    `word` has the gateway's reason. Locks the payment and its invoices, then the errand.
    """
    reason = word.reason or "refused"
    holdings.lock_payments(books, [sending.payment_id])
    holdings.lock_invoices_touched(books, [sending.payment_id])
    if not outbox.fail(books, sending.leased, reason):
        return False
    if refunding.release(books, sending.id, word):
        _show(books, sending, reason)
    return True


def lose(books: Books, sending: Sending, reason: str) -> bool:
    """Nobody can say whether the gateway did it: it stays reserved, and a person is told.

    False when the lease had passed on, or when it was told meanwhile what became of it. Locks the
    payment, then the errand.
    """
    holdings.lock_payments(books, [sending.payment_id])
    if not refunding.get(books, sending.id).is_under_way:
        outbox.finish(books, sending.leased)
        return False
    if not outbox.lose(books, sending.leased, reason[:500]):
        return False
    _say(books, sending, "unknown", None, reason[:500])
    _show(books, sending, reason)
    return True


def ask(books: Books, sending: Sending) -> None:
    """Asks the gateway about the payment of a refund that is lost."""
    reference = (sending.gateway, sending.account, sending.reference)
    lookups.plan(books, [Question(reference, f"refund {sending.id}", is_urgent=True)])


def _say(books: Books, sending: Sending, state: str, item: str | None, detail: str | None) -> None:
    books.run(
        "UPDATE refunds SET state = :state, item = coalesce(:item, item), detail = :detail"
        " WHERE id = :id AND state IN ('open', 'unknown')",
        id=sending.id,
        state=state,
        item=item,
        detail=detail,
    )


def _forget(books: Books, sending: Sending, how: str) -> None:
    subject = f"refund:{sending.id}"
    attention.close(books, subject, [AttentionKind.REFUND_FAILED], "worker", how)


def _show(books: Books, sending: Sending, reason: str) -> None:
    found = Attention(
        AttentionKind.REFUND_FAILED, f"refund:{sending.id}", sending.money, reason[:500]
    )
    attention.open_all(books, [found])
