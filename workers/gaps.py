"""Gaps: a gateway that lists nothing is asked about every attempt whose end nobody has told.

Where it cannot be asked either, a person is, a day later; where it does not decide, after a week.
"""

from datetime import datetime

import structlog

from gateways.capabilities import Verb
from gateways.port import Gateway
from ledger.settlement import gaps, silent
from ledger.store import Books
from runtime import clock, wiring
from workers.app import app

log = structlog.get_logger(__name__)


@app.task(name="errands.find_gaps")
def find_gaps() -> None:
    """Plans the asking, which the errands of looking up do; and shows where nobody can be asked."""
    store, now = wiring.store(), clock.now()
    for gateway in wiring.gateways().values():
        if gateway.capabilities.can(Verb.REPORTED):
            continue  # what is listed is found by a backfill
        with store.transaction() as books:
            _find(books, gateway, now)
    with store.transaction() as books:
        silent.forget(books)


def _find(books: Books, gateway: Gateway, now: datetime) -> None:
    name, account = gateway.name, gateway.account
    is_asked = gateway.capabilities.can(Verb.LOOKUP)
    if is_asked and (asked := gaps.plan(books, name, account, now)):
        log.info("attempts_asked_about", gateway=name, attempts=asked)
    if shown := silent.note(books, name, account, now, is_asked=is_asked):
        log.info("attempts_silent", gateway=name, attempts=shown)
