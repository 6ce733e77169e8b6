"""Reminders by the clock: planned for what is owed, turned into letters when their day comes."""

from time import monotonic, sleep

import structlog

from domain.errors import TryLater
from ledger import stops
from ledger.inbox import waiting
from ledger.letters import reminders
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from workers.app import app

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 20.0


@app.task(name="reminders.schedule")
def schedule() -> None:
    """Plans the steps of every open issued invoice that has none yet, imported ones included."""
    while True:
        with wiring.store().transaction() as books:
            planned = reminders.plan(books, settings().zone)
        if not planned:
            return
        log.info("reminders_planned", steps=planned)


@app.task(name="reminders.write_due")
def write_due() -> None:
    """Writes the letters that are due, once everything reported before this moment is settled."""
    store = wiring.store()
    now = clock.now()
    if not is_money_known(store, _PATIENCE_SECONDS):
        log.info("letters_wait", reason="stopped, or reported money is not settled yet")
        return
    with store.transaction() as books:
        due = reminders.due_invoices(books, now)
    for invoice_id in due:
        try:
            with store.transaction() as books:
                is_written = reminders.write(books, invoice_id, now)
        except TryLater as busy:
            log.warning("world_is_busy", invoice=invoice_id, detail=str(busy))
            continue
        log.info("reminder_due", invoice=invoice_id, is_written=is_written)


def is_money_known(store: Store, patience_seconds: float) -> bool:
    """Whether every report there is now gets settled within that time, and none needs a person.

    Nobody whose money has been reported is chased; reports that come later are not waited for.
    False at once while letters or settling are stopped: it would be waited for in vain.
    """
    with store.transaction() as books:
        newest = waiting.newest(books)
    until = monotonic() + patience_seconds
    while True:
        with store.transaction() as books:
            if stops.are_letters_stopped(books) or waiting.is_money_unclear(books):
                return False
            if not waiting.is_any_received_up_to(books, newest):
                return True
        if monotonic() > until:
            return False
        sleep(0.2)
