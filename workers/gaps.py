"""Gaps: a gateway that lists nothing is asked about every attempt whose end nobody has told."""

import structlog

from gateways.capabilities import Verb
from gateways.port import Gateway
from ledger.settlement import gaps
from runtime import clock, wiring
from workers.app import app

log = structlog.get_logger(__name__)


@app.task(name="errands.find_gaps")
def find_gaps() -> None:
    """Plans the asking; the errands of looking up do it."""
    store, now = wiring.store(), clock.now()
    for gateway in wiring.gateways().values():
        if not _is_asked(gateway):
            continue
        with store.transaction() as books:
            asked = gaps.plan(books, gateway.name, gateway.account, now)
        if asked:
            log.info("attempts_asked_about", gateway=gateway.name, attempts=asked)


def _is_asked(gateway: Gateway) -> bool:
    """Whether asking is the only way: what is listed is found by a backfill."""
    can = gateway.capabilities.can
    return can(Verb.LOOKUP) and not can(Verb.REPORTED)
