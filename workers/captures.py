"""Captures: the errand of taking the money of an order that its customer agreed to."""

import hashlib
from collections.abc import Mapping
from time import monotonic

import structlog

from domain.errors import Refused, TryLater
from domain.facts import Report
from gateways.port import Gateway
from ledger.settlement import captures
from ledger.settlement.captures import Capture
from ledger.store import Store
from runtime import clock, wiring
from workers.app import app
from workers.events import nudges

log = structlog.get_logger(__name__)

# Less than the time a task is given, by more than one capture takes.
_MOST_SECONDS = 10.0

# Refusals of which the customer saw the reason on the gateway's own page.
_HIS = frozenset(("declined", "unknown_payment"))
# Refusals that last until a person has changed a setting.
_OURS = frozenset(("key_refused", "not_configured", "unsupported"))


@app.task(name="errands.capture")
def run_captures() -> None:
    """Captures the orders that are due, one by one, and nudges for what they brought."""
    store, gateways = wiring.store(), wiring.gateways()
    kept: list[int] = []
    until = monotonic() + _MOST_SECONDS
    while monotonic() < until and capture_next(store, gateways, kept):
        pass
    if kept:
        nudges().send(kept)


def capture_next(store: Store, gateways: Mapping[str, Gateway], kept: list[int]) -> bool:
    """Claims the next due capture and makes it; answers whether there was one.

    The event that the gateway's answer becomes joins `kept`. Dying between the call and the keeping
    is harmless: the lease runs out, and the same request answers the same again.
    """
    with store.transaction() as books:
        claimed = captures.claim(books, clock.now())
    if claimed is None:
        return False
    try:
        answer = _answer(_gateway(gateways, claimed), claimed)
    except Refused as refusal:
        _refused(store, claimed, refusal)
    except TryLater as busy:
        _put_off(store, claimed, busy.detail)
    except Exception as error:
        log.exception("capture_failed", errand=claimed.leased.id)
        _put_off(store, claimed, type(error).__name__)
    else:
        kept += _keep(store, claimed, answer)
    return True


def _answer(gateway: Gateway, claimed: Capture) -> bytes:
    """The order as the gateway has it after the call, made outside of every transaction.

    Once its request id is forgotten, or nobody owes it any more, the gateway is only asked. Refused
    then when what it tells has no money in it: as `not_wanted`, or else as `unknown_end`, as it may
    still come.
    """
    if not claimed.is_wanted and claimed.is_first:
        raise Refused("not_wanted", "nobody owes it any more, and it was never tried")
    if claimed.is_wanted and claimed.is_repeatable:
        return gateway.capture(claimed.order)
    answer = gateway.lookup(claimed.leased.subject)
    reading = gateway.read(answer)
    if isinstance(reading, tuple) and any(isinstance(each, Report) for each in reading):
        return answer
    if not claimed.is_wanted:
        raise Refused("not_wanted", "nobody owes it any more, and no try has taken it")
    raise Refused("unknown_end", "captured too long ago to be repeated, and nothing came of it")


def _keep(store: Store, claimed: Capture, answer: bytes) -> list[int]:
    with store.transaction() as books:
        inbox_id = captures.keep(books, claimed, answer, hashlib.sha256(answer).digest())
    log.info("captured", errand=claimed.leased.id, kept_as=inbox_id)
    return [] if inbox_id is None else [inbox_id]


def _refused(store: Store, claimed: Capture, refusal: Refused) -> None:
    log.warning("capture_refused", errand=claimed.leased.id, why=refusal.code)
    with store.transaction() as books:
        if refusal.code == "not_approved":
            captures.wait(books, claimed, refusal.detail, clock.now())
        elif refusal.code == "not_wanted":
            captures.drop(books, claimed)
        elif refusal.code in _OURS:
            captures.refuse(books, claimed, refusal.detail, clock.now())
        elif refusal.code == "unknown_end":
            captures.lose(books, claimed, refusal.detail)
        elif refusal.code in _HIS:
            captures.decline(books, claimed, refusal.detail)
        else:
            captures.fail(books, claimed, refusal.detail)


def _put_off(store: Store, claimed: Capture, reason: str) -> None:
    with store.transaction() as books:
        captures.put_off(books, claimed, reason, clock.now())
    log.warning("capture_put_off", errand=claimed.leased.id)


def _gateway(gateways: Mapping[str, Gateway], claimed: Capture) -> Gateway:
    gateway = gateways.get(claimed.gateway)
    if gateway is None or gateway.account != claimed.account:
        raise Refused(
            "not_configured",
            f"{claimed.gateway} {claimed.account} is not configured, so nothing is captured there",
        )
    return gateway
