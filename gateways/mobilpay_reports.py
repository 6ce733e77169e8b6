"""What MobilPay's notices tell of money: an action is an attempt, and its error code the result.

docs of the XML protocol v1 and NETOPIA's own modules, read 2026-11-20.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain import money
from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import (
    AttemptEnd,
    Ending,
    Fact,
    FactClass,
    FactKey,
    Ignored,
    Move,
    Reading,
    Report,
    Status,
    Trust,
)
from domain.money import Money
from gateways.mobilpay_notice import Notice
from gateways.port import Claim, is_plain_name

NAME = "mobilpay"

_APPROVED = 0
_PAID_BEFORE = 56  # a second request for an order that is paid

_CODE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_PURCHASE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LOCAL = re.compile(r"20[0-9]{12}", re.ASCII)
_EPOCH = re.compile(r"[1-3][0-9]{9}(?:[0-9]{3})?", re.ASCII)  # seconds, or thousandths
# MobilPay gives no zone; it is a Romanian company, and its panel shows Romanian time.
_ZONE = ZoneInfo("Europe/Bucharest")


@dataclass(frozen=True, slots=True)
class _Telling:
    """A notice about to be told; `doubt` is why its money is not known to be the attempt's."""

    account: str
    notice: Notice
    doubt: str | None

    @property
    def code(self) -> int:
        return int(self.notice.code)

    @property
    def asked(self) -> Money:
        return asked(self.notice)

    @property
    def processed(self) -> Money:
        """What this action moved; a refund may carry a minus, which says nothing more."""
        return _positive(self.notice.processed.removeprefix("-"), self.notice.currency)


def tell(account: str, notice: Notice, claim: Claim | None) -> Reading:
    """What a notice tells; `claim` is what its address was made over, None for the bare address.

    Refused where it makes no sense.
    """
    if not _CODE.fullmatch(notice.code):
        raise Refused("malformed_event", "the error code is no number")
    teller = _TELLERS.get(notice.action)
    if teller is None:
        raise Refused("malformed_event", "the action is none that is known")
    return teller(_Telling(account, notice, _doubt(notice, claim)))


def kind(notice: Notice) -> str:
    """What a notice is, in one word: its action and what came of it."""
    return f"{notice.action}:{notice.code if _CODE.fullmatch(notice.code) else '?'}"


def asked(notice: Notice) -> Money:
    """What the customer was asked for; Refused when it is no amount."""
    return _positive(notice.asked or notice.amount, notice.currency)


def told_at(notice: Notice) -> datetime:
    """When MobilPay says that it happened; Refused when it does not say."""
    text = notice.told_at
    try:
        if _LOCAL.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_ZONE)
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text[:10]), UTC)
    except ValueError:
        pass
    raise Refused("malformed_event", "timestamp is no instant of this century")


def _doubt(notice: Notice, claim: Claim | None) -> str | None:
    if claim is None or claim == Claim(notice.order_id, asked(notice)):
        return None
    return (
        f"it came to the address of {claim.order_id} over {claim.money}, and is about"
        f" {_safe(notice.order_id)} over {asked(notice)}: nobody is known to have paid"
    )


def _captured(told: _Telling) -> Reading:
    if told.code == _PAID_BEFORE:
        return Ignored(
            "MobilPay says that this order was paid before; if no payment is there, see its panel",
            AttentionKind.FACT_DISAGREES,
        )
    if told.code != _APPROVED:
        return (_payment(told, Status.FAILED, told.asked),)
    return (_payment(told, Status.SUCCEEDED, told.processed),)


def _waiting(told: _Telling) -> Reading:
    """Blocked on the card, or being looked at: no money has moved yet."""
    status = Status.PENDING if told.code == _APPROVED else Status.FAILED
    return (_payment(told, status, told.asked),)


def _cancelled(told: _Telling) -> Reading:
    if told.code != _APPROVED:
        return Ignored("the payment was not cancelled")
    payment = _payment(told, Status.FAILED, told.asked)
    if told.doubt is not None:
        return (payment,)
    orders = (told.notice.order_id,)
    return payment, AttemptEnd(NAME, told.account, orders, None, Ending.CANCELLED)


def _credited(told: _Telling) -> Reading:
    """Refunds have no id: the same amount again may be the same refund, told again."""
    if told.code != _APPROVED:
        return Ignored("the refund was not made")
    fact = Fact(
        key=_key(told, Move.OUT, f"credit:{told.processed.currency}:{told.processed.minor}"),
        status=Status.SUCCEEDED,
        fact_class=FactClass.REFUND,
        money=told.processed,
        trust=Trust.DELIVERY,
        happened_at=told_at(told.notice),
        meant_for=_meant_for(told),
    )
    return (Report(fact, (fact.key.reference,), doubt=told.doubt, is_nameless=True),)


def _new(_: _Telling) -> Reading:
    return Ignored("an order that is only begun says nothing about money that moved")


def _payment(told: _Telling, status: Status, amount: Money) -> Report:
    fact = Fact(
        key=_key(told, Move.IN, ""),
        status=status,
        fact_class=FactClass.PAYMENT,
        money=amount,
        trust=Trust.DELIVERY,
        happened_at=told_at(told.notice),
        meant_for=_meant_for(told),
    )
    return Report(fact, (fact.key.reference,), doubt=told.doubt)


def _key(told: _Telling, move: Move, item: str) -> FactKey:
    purchase = told.notice.purchase
    if not _PURCHASE.fullmatch(purchase):
        raise Refused("malformed_event", "purchase is no id")
    return FactKey(NAME, told.account, purchase, move, item)


def _meant_for(told: _Telling) -> tuple[str, ...]:
    """The order, where the address vouches for it; money in doubt is for nobody."""
    return (told.notice.order_id,) if told.doubt is None else ()


def _positive(text: str, currency: str) -> Money:
    found = money.parse(text, currency)
    if not found.minor:
        raise Refused("malformed_amount", "the amount is nought")
    return found


def _safe(text: str) -> str:
    return text if is_plain_name(text) else "some other order"


_TELLERS: Mapping[str, Callable[[_Telling], Reading]] = {
    "new": _new,
    "confirmed": _captured,
    "confirmed_pending": _waiting,
    "paid": _waiting,
    "paid_pending": _waiting,
    "canceled": _cancelled,
    "credit": _credited,
}
