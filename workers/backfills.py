"""Backfills: what a gateway has told and we never received is fetched and kept like a delivery."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from domain.errors import Refused, TryLater
from gateways.capabilities import Verb
from gateways.port import Gateway, Occurrence
from ledger.inbox import backfill
from ledger.store import Store
from runtime import clock, wiring
from workers.app import app
from workers.events import nudges

log = structlog.get_logger(__name__)

_CHUNK = 100
_NEWEST = 5  # so many in a row that did not come by themselves: nobody speaks to us any more

# What is younger may still be on its way; what is older was looked for an hour ago.
_YOUNGEST = timedelta(minutes=15)
_OLDEST = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Filled:
    """How many events the gateway listed, and which of them are in our inbox only now.

    `newest` are the gateway's ids of the latest few.
    """

    listed: int = 0
    fetched: tuple[int, ...] = ()
    newest: tuple[str, ...] = ()


Tell = Callable[[Filled], None]


@app.task(name="errands.backfill")
def run_backfills() -> None:
    """Looks for events of the last hours at every gateway that lists its own."""
    now, store = clock.now(), wiring.store()
    for gateway in wiring.gateways().values():
        if not gateway.capabilities.can(Verb.REPORTED):
            continue
        try:
            filled = fill(store, gateway, now - _OLDEST, now - _YOUNGEST)
        except (Refused, TryLater) as error:
            log.warning("backfill_put_off", gateway=gateway.name, reason=error.detail)
            continue
        with store.transaction() as books:
            is_silent = backfill.mind(books, gateway.name, gateway.account, filled.newest)
        if filled.fetched:
            count = len(filled.fetched)
            log.warning("events_were_missing", gateway=gateway.name, events=count, silent=is_silent)
            nudges().send(filled.fetched)


def fill(
    store: Store,
    gateway: Gateway,
    since: datetime,
    until: datetime,
    tell: Tell = lambda _: None,
) -> Filled:
    """Fetches the events between that never came; `tell` hears how it goes. Nudges nobody.

    Network, as long as it takes. Those kept before an error stay, so it may be run again. Refused
    when the gateway cannot be asked; TryLater when it is busy or away.
    """
    filled = Filled()
    for chunk in _chunks(gateway.reported(since, until)):
        fetched = _fetch(store, gateway, chunk)
        newest = filled.newest or tuple(chunk)[:_NEWEST]
        filled = Filled(filled.listed + len(chunk), (*filled.fetched, *fetched), newest)
        tell(filled)
    return filled


def _fetch(store: Store, gateway: Gateway, chunk: Mapping[str, str]) -> list[int]:
    """The numbers of those that were missing; each is kept at once, with its own commit."""
    with store.transaction() as books:
        missing = backfill.missing(books, gateway.name, gateway.account, list(chunk))
    kept: list[int] = []
    for event_id in sorted(missing):
        raw = gateway.event(event_id)
        kept += _keep(store, gateway, Occurrence(event_id, chunk[event_id]), raw)
    return kept


def _keep(store: Store, gateway: Gateway, event: Occurrence, raw: bytes) -> list[int]:
    digest = hashlib.sha256(raw).digest()
    with store.transaction() as books:
        kept = backfill.keep(books, (gateway.name, gateway.account), event, raw, digest)
    return [] if kept is None else [kept]


def _chunks(listed: Iterator[Occurrence]) -> Iterator[Mapping[str, str]]:
    """Kinds by event id, so many at a time."""
    while chunk := dict(islice(listed, _CHUNK)):
        yield chunk
