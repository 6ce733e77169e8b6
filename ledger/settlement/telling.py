"""What a person says of refunds that their gateway does not tell of: facts, once each."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Fact, FactClass, FactKey, Move, Report, Status, Trust
from domain.money import Money, decimal_text, exact
from domain.refunds import RefundState
from ledger.books import attention, holdings, refunding
from ledger.books.acting import Word
from ledger.books.journal import Act
from ledger.books.refunding import RefundRow
from ledger.inbox import answers
from ledger.settlement import merging, naming, settling
from ledger.settlement.naming import Reference
from ledger.store import Books

_ASKS = (AttentionKind.REFUND_UNTOLD, AttentionKind.FACT_DISAGREES)


def went(
    books: Books, refund_id: int, word: Word, nameless: Collection[tuple[str, str]]
) -> RefundRow:
    """A person saw at the gateway that a refund of ours went, of which nobody knew: it is booked.

    `nameless` are the gateways, with whose account, that have no names for refunds; any other one
    tells of it by itself. Refused when it is not unknown any more. Locks the payment's main name,
    the payment, then as settling does.
    """
    payment_id = refunding.get(books, refund_id).payment_id
    reference = _lock(books, payment_id)
    if reference[:2] not in nameless:
        raise Refused(
            "unsupported",
            f"{reference[0]} names its refunds and tells of each by itself: its report is booked",
        )
    refund = refunding.get(books, refund_id)
    if refund.state != RefundState.UNKNOWN.value:
        raise Refused(
            "not_unknown", f"this refund is {refund.state}: there is nothing to say of it"
        )
    name = f"refund:{refund_id}"
    before = {"refund": refund_id, "payment": payment_id, "state": refund.state}
    said = _Said(reference, name, refund.item or name, refund.money, refund.created_at)
    _book(books, said, word, before, {**before, "state": RefundState.DONE.value})
    return refunding.get(books, refund_id)


@dataclass(frozen=True, slots=True)
class Returned:
    """How much of a payment went back at the gateway; `event` is the row that told of it."""

    amount: Decimal
    event: int


def returned(books: Books, payment_id: int, told: Returned, word: Word) -> None:
    """A person saw how much it was that went back, of which an event told too little: it is booked.

    Once for each event: said again it changes nothing, said otherwise it is refused, as is more
    than the payment still has. What asked for it is resolved. Locks as `went` does.
    """
    reference = _lock(books, payment_id)
    payment = holdings.extract(books, [payment_id]).payments[0]
    told_at = _asked_at(books, told.event, reference)
    money = exact(told.amount, payment.currency)
    name = f"event:{told.event}"
    item = merging.word_of(told.event)
    known_minor = _known_minor(books, reference, item)
    if known_minor is not None and known_minor != money.minor:
        known = Money(payment.currency, known_minor)
        raise Refused("told_already", f"of event {told.event} it was said that {known} went back")
    if known_minor is None:
        has_minor = payment.received_minor + payment.lost_minor - payment.returned_minor
        if not 0 < money.minor <= has_minor:
            most = Money(payment.currency, has_minor)
            raise Refused("beyond_refundable", f"what went back is above zero, at most {most}")
        before = {"payment": payment_id, "returned_minor": payment.returned_minor}
        after = {**before, "returned_minor": payment.returned_minor + money.minor}
        _book(books, _Said(reference, name, item, money, told_at), word, before, after)
    attention.close(books, name, _ASKS, word.actor, word.reason or "")


@dataclass(frozen=True, slots=True)
class _Said:
    """What went back of a payment, under which key; `name` is what it is said of."""

    reference: Reference
    name: str
    item: str
    money: Money
    at: datetime

    @property
    def report(self) -> Report:
        fact = Fact(
            key=FactKey(*self.reference, Move.OUT, self.item),
            status=Status.SUCCEEDED,
            fact_class=FactClass.REFUND,
            money=self.money,
            trust=Trust.LOOKUP,
            happened_at=self.at,
        )
        return Report(fact, (self.reference[2],))


def _lock(books: Books, payment_id: int) -> Reference:
    """Locks the payment's main name, then the payment; Refused where no gateway has it."""
    found = holdings.extract(books, [payment_id]).payments
    if not found:
        raise Refused("unknown_payment", "there is no such payment")
    gateway, account = found[0].gateway, found[0].account
    if not gateway or not account:
        raise Refused("unsupported", "no gateway has this money")
    reference = (gateway, account, holdings.reference(books, payment_id))
    naming.lock(books, [reference])
    holdings.lock_payments(books, [payment_id])
    return reference


def _book(
    books: Books, said: _Said, word: Word, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """Keeps the word as an event, and books it as one; the act is the person's."""
    raw = json.dumps(
        {
            "object": "word",
            "of": said.name,
            "payment": said.reference[2],
            "amount": decimal_text(said.money),
            "currency": said.money.currency,
            "actor": word.actor,
            "reason": word.reason,
        },
        ensure_ascii=False,
    ).encode()
    sha256 = hashlib.sha256(raw).digest()
    inbox_id = answers.keep_word(books, *said.reference[:2], said.name, raw, sha256)
    act = Act(word.actor, "refund_told", word.reason, before, {**after, "inbox": [inbox_id]})
    settling.settle_word(books, inbox_id, said.report, act, word.zone)


def _asked_at(books: Books, event: int, reference: Reference) -> datetime:
    """When the event came that asks a person about this payment; Refused when none does."""
    found = books.value(
        """
        SELECT i.received_at FROM inbox i
        WHERE i.id = :event AND (i.gateway, i.account) = (:gateway, :account)
          AND EXISTS (SELECT FROM attention t
                      WHERE t.subject = 'event:' || i.id AND t.kind = ANY (CAST(:kinds AS text[]))
                        AND position(CAST(:reference AS text) IN t.detail) > 0)
        """,
        event=event,
        gateway=reference[0],
        account=reference[1],
        reference=reference[2],
        kinds=[kind.value for kind in _ASKS],
    )
    if found is None:
        raise Refused("unknown_event", f"event {event} asks nobody how much of this payment went")
    assert isinstance(found, datetime)
    return found


def _known_minor(books: Books, reference: Reference, item: str) -> int | None:
    found = books.value(
        "SELECT amount_minor FROM facts WHERE (gateway, account, reference, move, item)"
        " = (:gateway, :account, :reference, 'out', :item)",
        gateway=reference[0],
        account=reference[1],
        reference=reference[2],
        item=item,
    )
    return None if found is None else int(found)
