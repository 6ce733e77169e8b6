"""What the statuses of NETOPIA tell of a payment: by itself, or when it is asked.

A payment has one name, `ntpID`, and one amount, whatever happens to it: of a refund neither the id
nor the amount is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import (
    Ask,
    AttemptEnd,
    Ending,
    Fact,
    FactClass,
    FactKey,
    Flag,
    Ignored,
    Move,
    Reading,
    Report,
    Status,
    Trust,
)
from domain.money import Money
from gateways import netopia_fields as fields
from gateways.netopia_fields import NAME, Payload


@dataclass(frozen=True, slots=True)
class Source:
    """Whose payments are read, and how well whoever tells of them knows.

    `asked_on` is the moment that stands for one that is not told; None: it must be asked for.
    """

    account: str
    trust: Trust
    asked_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A payment as it was told: NETOPIA's id of it, what it is of, and itself."""

    ntp_id: str
    order: Payload
    payment: Payload


_Teller = Callable[[Source, Told], Reading]


def tell(source: Source, told: Told) -> Reading:
    """What the status of a payment tells."""
    status = told.payment.get("status")
    teller = _TELLERS.get(status) if type(status) is int else None
    if teller is None:
        raise Refused("unknown_status", f"{str(status)[:40]} is no status that is known")
    return teller(source, told)


def given_back(source: Source, ntp_id: str, item: str, money: Money) -> Reading:
    """A refund that NETOPIA made for us: the answer to the call is all that ever tells of it."""
    assert source.asked_on is not None, "it was asked for at some moment"
    fact = Fact(
        key=FactKey(NAME, source.account, ntp_id, Move.OUT, item),
        status=Status.SUCCEEDED,
        fact_class=FactClass.REFUND,
        money=money,
        trust=source.trust,
        happened_at=source.asked_on,
    )
    return (Report(fact, (ntp_id,)),)


def kind(status: object) -> str:
    """The status as a person reads it."""
    return _NAMES.get(status, "unknown") if type(status) is int else "unknown"


def _paid(source: Source, told: Told) -> Reading:
    return _moved(source, told, Status.SUCCEEDED)


def _pending(source: Source, told: Told) -> Reading:
    return _moved(source, told, Status.PENDING)


def _failed(source: Source, told: Told) -> Reading:
    """Declined; the same order may still be paid."""
    return _moved(source, told, Status.FAILED)


def _moved(source: Source, told: Told, status: Status) -> Reading:
    report = _report(source, told, Move.IN, status)
    return (report or _ask(source, told),)


def _lost(source: Source, told: Told) -> Reading:
    """The client's bank took the payment back, as a whole: so it had come."""
    came = _report(source, told, Move.IN, Status.SUCCEEDED)
    went = _report(source, told, Move.OUT, Status.SUCCEEDED)
    return (came, went) if came and went else (_ask(source, told),)


def _refunded(source: Source, told: Told) -> Reading:
    """The payment had come; how much of it went back nobody says."""
    return _came(
        source,
        told,
        Flag(
            AttentionKind.REFUND_UNTOLD,
            f"of payment {told.ntp_id} over {fields.money_of(told.payment)} something was given"
            " back at NETOPIA, which does not say how much: look there, then tell the books by"
            " `incasso refund --told`",
            untold=(NAME, source.account, told.ntp_id),
            at=None if source.trust is Trust.LOOKUP else fields.moment(told.payment),
        ),
    )


def _disputed(source: Source, told: Told) -> Reading:
    """The payment had come, and is here until the dispute is lost."""
    return _came(source, told, _dispute(told))


def _reversed(_: Source, told: Told) -> Reading:
    """Perhaps a payment went back, perhaps one that was blocked is free: nobody says which."""
    flag = _dispute(told)
    return Ignored(flag.detail, flag.kind)


def _dispute(told: Told) -> Flag:
    detail = f"payment {told.ntp_id} is disputed: {kind(told.payment['status'])}"
    return Flag(AttentionKind.DISPUTE_OPENED, detail)


def _came(source: Source, told: Told, flag: Flag) -> Reading:
    """Whatever happened since, the money came: should nothing else ever tell so, this does."""
    came = _report(replace(source, trust=Trust.IN_PASSING), told, Move.IN, Status.SUCCEEDED)
    if came is None:
        return (_ask(source, told),)
    return replace(came, is_answer=source.trust is Trust.LOOKUP), flag


def _cancelled(source: Source, told: Told) -> Reading:
    return _ended(source, told, Ending.CANCELLED)


def _expired(source: Source, told: Told) -> Reading:
    return _ended(source, told, Ending.EXPIRED)


def _nothing(_: Source, told: Told) -> Reading:
    return Ignored(f"{kind(told.payment['status'])}: no money has moved")


def _ended(source: Source, told: Told, ending: Ending) -> Reading:
    order_id = fields.order_id(told.order)
    order_ids = () if order_id is None else (order_id,)
    return (AttemptEnd(NAME, source.account, order_ids, told.ntp_id, ending),)


def _report(source: Source, told: Told, move: Move, status: Status) -> Report | None:
    """What moved; None where nobody says when."""
    money = fields.money_of(told.payment)
    happened_at = fields.moment(told.payment) or source.asked_on
    if happened_at is None:
        return None
    is_in = move is Move.IN
    fact = Fact(
        key=FactKey(NAME, source.account, told.ntp_id, move, "" if is_in else "chargeback"),
        status=status,
        fact_class=FactClass.PAYMENT if is_in else FactClass.CHARGEBACK,
        money=money,
        trust=source.trust,
        happened_at=happened_at,
        meant_for=fields.meant_for(told.order) if is_in else (),
    )
    return Report(fact, (told.ntp_id,))


def _ask(source: Source, told: Told) -> Ask:
    """A report without a moment is asked for: the answer came at one, at least."""
    order_id = fields.order_id(told.order)
    name = f"{told.ntp_id}/{order_id}" if order_id else told.ntp_id
    return Ask(NAME, source.account, name, is_hint=True)


_NAMES: Mapping[int, str] = dict(
    enumerate(
        (
            "new",
            "opened",
            "paid",
            "cancelled",
            "confirmed",
            "pending",
            "scheduled",
            "credit",
            "chargeback initiated",
            "chargeback accepted",
            "error",
            "declined",
            "fraud review",
            "pending authorisation",
            "3-D Secure needed",
            "chargeback representment",
            "reversed",
            "pending any",
            "recurring programmed",
            "recurring cancelled",
            "trial pending",
            "trial",
            "expired",
        ),
        start=1,
    )
)
_TELLERS: Mapping[int, _Teller] = {
    **dict.fromkeys((3, 5), _paid),
    **dict.fromkeys((2, 6, 7, 13, 14, 15, 18), _pending),
    **dict.fromkeys((11, 12), _failed),
    **dict.fromkeys((9, 16), _disputed),
    **dict.fromkeys((1, 19, 20, 21, 22), _nothing),
    4: _cancelled,
    8: _refunded,
    10: _lost,
    17: _reversed,
    23: _expired,
}
