"""Lookups: the errand of asking a gateway about a payment, and keeping what it answers."""

import hashlib
from collections.abc import Mapping
from time import monotonic

import structlog

from domain.errors import Refused, TryLater
from gateways.port import Gateway
from ledger.settlement import lookups
from ledger.settlement.lookups import Lookup
from ledger.store import Store
from runtime import clock, wiring
from workers.app import app
from workers.events import nudges

log = structlog.get_logger(__name__)

# Less than the time a task is given, by more than one lookup takes.
_MOST_SECONDS = 10.0


@app.task(name="errands.look_up")
def run_lookups() -> None:
    """Asks about the payments that are due, one by one, and nudges for the answers."""
    store, gateways = wiring.store(), wiring.gateways()
    kept: list[int] = []
    until = monotonic() + _MOST_SECONDS
    while monotonic() < until and look_up_next(store, gateways, kept):
        pass
    if kept:
        nudges().send(kept)


def look_up_next(store: Store, gateways: Mapping[str, Gateway], kept: list[int]) -> bool:
    """Claims the next due lookup and asks; answers whether there was one to look at.

    The event that an answer becomes joins `kept`. Dying between the asking and the keeping is
    harmless: the lease runs out, it is asked again, and the same answer is one event.
    """
    with store.transaction() as books:
        claimed = lookups.claim(books, clock.now())
    if isinstance(claimed, Lookup):
        inbox_id = _look_up(store, gateways, claimed)
        kept += [] if inbox_id is None else [inbox_id]
    return claimed is not None


def _look_up(store: Store, gateways: Mapping[str, Gateway], claimed: Lookup) -> int | None:
    """Asks outside of every transaction, and writes what came of it under the lease's fence."""
    try:
        answer = _gateway(gateways, claimed).lookup(claimed.name)
    except Refused as refusal:
        with store.transaction() as books:
            lookups.refuse(books, claimed, refusal.detail, clock.now())
        log.warning("lookup_refused", errand=claimed.leased.id, why=refusal.code)
        return None
    except TryLater as busy:
        with store.transaction() as books:
            lookups.put_off(books, claimed, busy.detail, clock.now())
        log.warning("lookup_put_off", errand=claimed.leased.id)
        return None
    except Exception as error:
        log.exception("lookup_failed", errand=claimed.leased.id)
        with store.transaction() as books:
            lookups.put_off(books, claimed, type(error).__name__, clock.now())
        return None
    with store.transaction() as books:
        sha256 = hashlib.sha256(answer).digest()
        inbox_id = lookups.keep(books, claimed, answer, sha256, clock.now())
    log.info("looked_up", errand=claimed.leased.id, kept_as=inbox_id)
    return inbox_id


def _gateway(gateways: Mapping[str, Gateway], claimed: Lookup) -> Gateway:
    gateway = gateways.get(claimed.gateway)
    if gateway is None or gateway.account != claimed.account:
        raise Refused(
            "not_configured",
            f"{claimed.gateway} {claimed.account} is not configured, so it cannot be asked",
        )
    return gateway
