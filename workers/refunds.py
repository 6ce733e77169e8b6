"""Refunds: the errand of giving money back, once."""

import hashlib
from collections.abc import Mapping
from time import monotonic

import structlog

from domain.errors import Refused, TryLater
from gateways.capabilities import Verb
from gateways.port import Gateway, NotAsked, Repayment, Taken
from ledger.books.acting import Word
from ledger.settlement import refunds
from ledger.settlement.refunds import Sending, Sent
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from workers.app import app
from workers.events import nudges

log = structlog.get_logger(__name__)

# Less than the time a task is given, by more than one call takes.
_MOST_SECONDS = 10.0

# Refusals that last until a person has changed a setting; nothing went back.
_OURS = frozenset(("key_refused", "not_configured"))


class _Gone(Exception):  # noqa: N818 - an answer, not a fault
    """Perhaps the money went, and asking again would send it twice."""


@app.task(name="errands.refund")
def run_refunds() -> None:
    """Sends the refunds that are due, one by one."""
    store, gateways = wiring.store(), wiring.gateways()
    until = monotonic() + _MOST_SECONDS
    while monotonic() < until and refund_next(store, gateways):
        pass


def refund_next(store: Store, gateways: Mapping[str, Gateway]) -> bool:
    """Claims the next due refund and sends it; answers whether there was one.

    Dying after the call is harmless where the gateway remembers the key; where it does not, the
    refund is unknown from then on.
    """
    with store.transaction() as books:
        claimed = refunds.claim(books, clock.now())
    if claimed is None:
        return False
    _give_back(store, gateways, claimed)
    return True


def _give_back(store: Store, gateways: Mapping[str, Gateway], claimed: Sending) -> None:
    try:
        taken = _send(_gateway(gateways, claimed), claimed)
    except _Gone as gone:
        _lose(store, gateways, claimed, str(gone))
    except Refused as refusal:
        _refused(store, claimed, refusal)
    except NotAsked as busy:
        _spare(store, claimed, busy.detail)
    except TryLater as busy:
        _put_off(store, claimed, busy.detail)
    except Exception as error:
        log.exception("refund_failed", errand=claimed.leased.id)
        _put_off(store, claimed, type(error).__name__)
    else:
        _sent(store, claimed, taken)


def _send(gateway: Gateway, claimed: Sending) -> Taken:
    """Outside of every transaction. Asked again only while the gateway knows that it is again."""
    memory = gateway.capabilities.remembers_refunds
    if claimed.may_have_gone and (memory is None or claimed.age > memory):
        raise _Gone("the gateway was asked, and its answer was lost")
    try:
        return gateway.refund(
            Repayment(
                claimed.reference,
                claimed.money,
                claimed.leased.key,
                clock.now(),
                claimed.order_id,
            )
        )
    except TryLater as busy:
        if memory is None and not isinstance(busy, NotAsked):
            raise _Gone(busy.detail) from busy
        raise


def _sent(store: Store, claimed: Sending, taken: Taken) -> None:
    sha256 = hashlib.sha256(taken.answer or b"").digest()
    told = Sent(taken.item, taken.name, taken.answer, sha256)
    with store.transaction() as books:
        kept = refunds.sent(books, claimed, told)
    log.info("refund_sent", errand=claimed.leased.id, refund=claimed.id)
    if kept:
        nudges().send(kept)


def _refused(store: Store, claimed: Sending, refusal: Refused) -> None:
    log.warning("refund_refused", errand=claimed.leased.id, why=refusal.code)
    with store.transaction() as books:
        if refusal.code in _OURS:
            refunds.wait(books, claimed, refusal.detail, clock.now())
        else:
            refunds.refuse(books, claimed, _word(refusal.detail))


def _lose(store: Store, gateways: Mapping[str, Gateway], claimed: Sending, reason: str) -> None:
    log.warning("refund_unknown", errand=claimed.leased.id)
    can_be_asked = gateways[claimed.gateway].capabilities.can(Verb.LOOKUP)
    with store.transaction() as books:
        if refunds.lose(books, claimed, reason) and can_be_asked:
            refunds.ask(books, claimed)


def _spare(store: Store, claimed: Sending, reason: str) -> None:
    with store.transaction() as books:
        refunds.spare(books, claimed, reason, clock.now())
    log.warning("refund_put_off", errand=claimed.leased.id)


def _put_off(store: Store, claimed: Sending, reason: str) -> None:
    with store.transaction() as books:
        refunds.put_off(books, claimed, reason, clock.now())
    log.warning("refund_put_off", errand=claimed.leased.id)


def _word(reason: str) -> Word:
    zone = settings().zone
    return Word("worker", reason[:500], clock.now().astimezone(zone).date(), zone)


def _gateway(gateways: Mapping[str, Gateway], claimed: Sending) -> Gateway:
    gateway = gateways.get(claimed.gateway)
    if gateway is None or gateway.account != claimed.account:
        raise Refused(
            "not_configured",
            f"{claimed.gateway} {claimed.account} is not configured: nothing is given back there",
        )
    return gateway
