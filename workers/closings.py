"""Closings: the errand of closing a gateway's session in which nobody should pay any more."""

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic

import structlog

from domain.errors import Refused, TryLater
from gateways.capabilities import Verb
from gateways.port import Gateway
from ledger import outbox
from ledger.links import closing
from ledger.links.closing import Closing
from ledger.store import Store
from runtime import clock, wiring
from workers.app import app

log = structlog.get_logger(__name__)

# Less than the time a task is given, by more than one call takes.
_MOST_SECONDS = 20.0
_PAUSE = timedelta(seconds=20)


@app.task(name="errands.close_sessions")
def run_closings() -> None:
    """Closes the sessions that are due, one by one."""
    store, gateways = wiring.store(), wiring.gateways()
    until = monotonic() + _MOST_SECONDS
    while monotonic() < until and close_next(store, gateways):
        pass


def close_next(store: Store, gateways: Mapping[str, Gateway]) -> bool:
    """Claims the next due errand and closes its session; whether there was one to look at.

    Repeatable: dying after the call is harmless, a closed session is closed again. Once the session
    has lapsed by itself there is nothing left to do.
    """
    with store.transaction() as books:
        claimed = closing.claim(books, clock.now())
    if claimed is None:
        return False
    if _closes_none(gateways, claimed):
        with store.transaction() as books:
            closing.let_lapse(books, claimed, f"{claimed.gateway} closes no session by request")
        return True
    try:
        is_closed = _close(gateways, claimed)
    except Refused as refusal:
        log.warning("session_not_closed", errand=claimed.leased.id, why=refusal.code)
        with store.transaction() as books:
            outbox.fail(books, claimed.leased, str(refusal)[:500])
        return True
    except TryLater as busy:
        _put_off(store, claimed, busy.detail)
        return True
    except Exception as error:
        log.exception("closing_failed", errand=claimed.leased.id)
        _put_off(store, claimed, type(error).__name__)
        return True
    if is_closed:
        with store.transaction() as books:
            closing.finish(books, claimed)
        log.info("session_closed", errand=claimed.leased.id, attempt=claimed.attempt_id)
    else:
        _put_off(store, claimed, "its session is not stored yet")
    return True


def _closes_none(gateways: Mapping[str, Gateway], claimed: Closing) -> bool:
    """Whether the session is left to end by itself, as its gateway closes none."""
    gateway = gateways.get(claimed.gateway)
    return gateway is not None and not gateway.capabilities.can(Verb.EXPIRE)


def _close(gateways: Mapping[str, Gateway], claimed: Closing) -> bool:
    """Whether nobody can pay there any more; False while no session is stored."""
    if claimed.expires_at <= clock.now():
        return True
    if claimed.session is None:
        return False
    gateway = gateways.get(claimed.gateway)
    if gateway is None or gateway.account != claimed.account:
        raise Refused("not_configured", f"{claimed.gateway} {claimed.account} is not configured")
    gateway.expire(claimed.session)
    return True


def _put_off(store: Store, claimed: Closing, why: str) -> None:
    with store.transaction() as books:
        outbox.put_off(books, claimed.leased, clock.now() + _PAUSE, why)
