"""Settles what the inbox holds: claim, read, book, commit; and again while rows wait."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from time import monotonic, sleep

import structlog

from domain.errors import Refused, TryLater
from domain.facts import Reading
from gateways.port import Gateway
from ledger.inbox import parking, turns, waiting
from ledger.inbox.waiting import Accounts, Claim
from ledger.settlement import settling
from ledger.settlement.settling import Settled
from ledger.store import Books, Store
from runtime import metrics, wiring
from runtime.settings import settings
from workers.app import app
from workers.nudges import Nudges

log = structlog.get_logger(__name__)

_MOST_SECONDS = 5.0

# A batch costs some milliseconds before its first row: where rows stream in, more of them share
# that after a moment. A few rows are no stream: the sister events of one payment never wait.
_STREAM_ROWS = 8
_GATHER_SECONDS = 0.1
_PATIENCE_SECONDS = 20.0
_CALL_SECONDS = 1.0

Claiming = Callable[[Books, Accounts], Claim | None]


@app.task(name="events.settle")
def settle_events(ids: Sequence[int]) -> None:
    """Settles what waits, for up to 5 s, then nudges once more; `ids` only say who knocked.

    One worker at a time, while it keeps up: a batch beside another takes more from the door than it
    gains. Who is nudged without ids is called to help: many rows wait, or some were found.
    """
    log.debug("nudged", events=len(ids), first_event=ids[0] if ids else None)
    until, is_called = monotonic() + _MOST_SECONDS, not ids
    while monotonic() < until:
        try:
            if _take_part(until, is_called=is_called):
                return
        except TryLater as busy:
            log.warning("world_is_busy", detail=str(busy))
            sleep(min(busy.after.total_seconds(), max(0.0, until - monotonic())))
        else:
            is_called = False
    nudges().send(())


def _take_part(until: float, *, is_called: bool) -> bool:
    """Settles if it is our turn, or help is needed; answers whether others do what is left."""
    with turns.taken(wiring.store()) as is_ours:
        if is_ours:
            _settle_stream(until)
        elif is_called or _asks(waiting.is_late):
            return not _help(until)
        else:
            return True
    # What was kept while we looked for the last time was left to us: whoever came did not wait.
    return monotonic() < until and not any(_settle_once())


def _settle_stream(until: float) -> None:
    """Gives rows that stream in a moment to gather; calls for help where they do no more."""
    silent_until = 0.0
    while monotonic() < until:
        fresh, _ = _settle_once()
        if fresh < _STREAM_ROWS:
            return
        if fresh < waiting.MOST_ROWS:
            sleep(_GATHER_SECONDS)
        elif monotonic() > silent_until and _asks(waiting.is_quiet):
            _try_to_send(lambda: nudges().send(()))
            silent_until = monotonic() + _CALL_SECONDS


def _help(until: float) -> bool:
    """Settles beside another as long as batches are full; answers whether there was anything."""
    found = first = _settle_once()
    while found[0] == waiting.MOST_ROWS and monotonic() < until:
        found = _settle_once()
    return any(first)


def _asks(question: Callable[[Books, Accounts], bool]) -> bool:
    with wiring.store().transaction() as books:
        return question(books, _accounts(wiring.gateways()))


def _settle_once() -> tuple[int, int]:
    """How many fresh rows were there to settle, and how many that were tried before.

    Between two batches one such row is tried alone, so that neither kind starves the other.
    """
    store, gateways = wiring.store(), wiring.gateways()
    fresh = settle_next(store, gateways, waiting.claim_fresh, _hurry)
    return fresh, settle_next(store, gateways, waiting.claim_suspect, _hurry)


@app.task(name="sweep.nudge")
def sweep() -> None:
    """Finds what a lost message left behind: nudges when a waiting row can be locked.

    Finds money, too, whose invoice was issued only after it came.
    """
    with wiring.store().transaction() as books:
        found = settling.settle_found(books, settings().zone)
    if found:
        log.info("invoices_found", payments=found)
    with wiring.store().transaction() as books:
        waiting.sweep_tries(books)
        parking.wake(books)
        parking.release(books)
        is_any_waiting = waiting.is_any_waiting(books, _accounts(wiring.gateways()))
    if is_any_waiting:
        nudges().send(())


@cache
def nudges() -> Nudges:
    """This process's own connection for nudging; to be asked for after the fork."""
    return Nudges(app)


def settle_next(
    store: Store,
    gateways: Mapping[str, Gateway],
    claiming: Claiming,
    hurry: Callable[[], None] = lambda: None,
) -> int:
    """Claims, settles and commits once; answers how many rows there were to claim.

    `hurry` is called when somebody waits for an errand that was planned. It must not raise.
    When the world is busy, or this process is told to stop, the try is taken back and the reason
    goes on to the caller. When a row is at fault, or we are, the try stays with its reason and its
    rows are settled alone from then on.
    """
    claim: Claim | None = None
    started = monotonic()
    _pay_debts(store)
    try:
        with store.transaction() as books:
            claim = claiming(books, _accounts(gateways))
            if claim is None:
                return 0
            settled = _settle(books, claim, gateways)
    except (TryLater, SystemExit, KeyboardInterrupt):
        if claim is not None:
            _forget(store, claim.try_id)
        raise
    except Exception as error:
        if claim is None:
            raise
        log.exception("batch_failed", batch=claim.try_id, events=len(claim.rows))
        waiting.blame(store, claim, f"{type(error).__name__}: {error}".splitlines()[0])
        return len(claim.rows)
    _tell(claim, settled, monotonic() - started)
    if settled.has_errands:
        hurry()
    return len(claim.rows)


def _hurry() -> None:
    """Sends word of errands; without it they wait for the clock, some seconds."""
    _try_to_send(lambda: nudges().hurry())


def _try_to_send(send: Callable[[], None]) -> None:
    try:
        send()
    except Exception as error:  # noqa: BLE001 - whatever the broker does, the rows are written
        log.warning("nudge_failed", error=type(error).__name__)


def _settle(books: Books, claim: Claim, gateways: Mapping[str, Gateway]) -> Settled:
    refusal = waiting.used_up(books, claim)
    readings = {row.id: refusal or _read(gateways[row.gateway], row.raw) for row in claim.rows}
    settled = settling.settle(books, readings, settings().zone)
    waiting.close(books, settled.closings)
    waiting.finish(books, claim)
    return settled


def _read(gateway: Gateway, raw: bytes) -> Reading | Refused:
    try:
        return gateway.read(raw)
    except Refused as refusal:
        return refusal


# Tries that should be taken back as soon as the database that went away is there again.
_debts: set[int] = set()


def _forget(store: Store, try_id: int) -> None:
    """Takes the try back; a database that went away is waited for, or paid when it is back."""
    until = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return waiting.forget(store, try_id)
        except TryLater as busy:
            if monotonic() > until:
                return _debts.add(try_id)
            sleep(busy.after.total_seconds())


def _pay_debts(store: Store) -> None:
    if _debts:
        waiting.forget(store, *_debts)
        _debts.clear()


def _accounts(gateways: Mapping[str, Gateway]) -> Accounts:
    return {name: gateway.account for name, gateway in gateways.items()}


def _tell(claim: Claim, settled: Settled, seconds: float) -> None:
    metrics.settled(len(claim.rows), seconds)
    log.info(
        "batch_settled",
        batch=claim.try_id,
        events=len(claim.rows),
        first_event=claim.rows[0].id,
        last_event=claim.rows[-1].id,
        payments=settled.payments,
        postings=settled.postings,
        invoices=settled.invoices,
        milliseconds=round(seconds * 1000, 1),
    )
