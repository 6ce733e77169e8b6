"""What is counted while the work is done, and the one address that shows it for all processes.

Counters and histograms of every process lie in one folder; what waits is counted in the database
when somebody asks.
"""

import os
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from runtime.settings import settings

_FOLDER = (settings().local_dir / "metrics").absolute()
_FOLDER.mkdir(parents=True, exist_ok=True)
# prometheus_client reads its folder from the environment alone, while it is being imported; and
# the `celery` command imports it before us, for Flower's sake, so the choice is made once more.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_FOLDER)  # noqa: TID251

import structlog  # noqa: E402 - after the folder is known
from prometheus_client import (  # noqa: E402
    CollectorRegistry,
    Counter,
    Histogram,
    start_http_server,
    values,
)
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

from domain.attention import AttentionKind  # noqa: E402
from gateways.port import Outcome  # noqa: E402
from ledger import figures  # noqa: E402
from ledger.figures import CountRow, Figures  # noqa: E402
from ledger.store import Store  # noqa: E402

# A process number alone is not enough: every container has its own process 1.
_HOST = socket.gethostname()
values.ValueClass = values.MultiProcessValue(lambda: f"{_HOST}.{os.getpid()}")

_log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 2.0
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0)
_ROWS = (1, 2, 5, 10, 20, 50, 100, 200)

_ACCEPTED = Counter("incasso_accepted", "Deliveries kept for the first time", ["gateway"])
_DUPLICATES = Counter("incasso_duplicates", "Deliveries that were kept before", ["gateway"])
_DIFFERING = Counter(
    "incasso_differing", "Deliveries of a kept event with another body", ["gateway"]
)
_REFUSED = Counter("incasso_refused_signatures", "Deliveries nobody vouches for", ["gateway"])
_UNREADABLE = Counter(
    "incasso_unreadable", "Deliveries with our secret that no gateway would send", ["gateway"]
)
_BUSY = Counter("incasso_busy", "Deliveries told to come again", ["gateway"])
_TOLD = {
    Outcome.KEPT: _ACCEPTED,
    Outcome.DUPLICATE: _DUPLICATES,
    Outcome.DIFFERS: _DIFFERING,
    Outcome.UNTRUSTED: _REFUSED,
    Outcome.BUSY: _BUSY,
}
_FLUSH_SECONDS = Histogram("incasso_flush_seconds", "One flush of the intake", buckets=_SECONDS)
_FLUSH_ROWS = Histogram("incasso_flush_rows", "Deliveries in one flush", buckets=_ROWS)
_SETTLE_SECONDS = Histogram("incasso_settle_seconds", "One settled batch", buckets=_SECONDS)
_SETTLE_ROWS = Histogram("incasso_settle_rows", "Events in one settled batch", buckets=_ROWS)
_NUDGES_SENT = Counter("incasso_nudges_sent", "Messages to the workers")
_NUDGES_FAILED = Counter("incasso_nudges_failed", "Messages the broker did not take")
_NUDGES_DROPPED = Counter("incasso_nudges_dropped", "Ids left to the sweep")


def told(gateway: str, outcome: Outcome, deliveries: int) -> None:
    """Counts deliveries by what their senders are told."""
    _TOLD[outcome].labels(gateway).inc(deliveries)


def unreadable(gateway: str) -> None:
    """Counts a delivery signed with our secret that is no event."""
    _UNREADABLE.labels(gateway).inc()


def flushed(rows: int, seconds: float) -> None:
    """Counts one flush of the intake."""
    _FLUSH_ROWS.observe(rows)
    _FLUSH_SECONDS.observe(seconds)


def settled(rows: int, seconds: float) -> None:
    """Counts one settled batch."""
    _SETTLE_ROWS.observe(rows)
    _SETTLE_SECONDS.observe(seconds)


def nudged() -> None:
    """Counts a message to the workers."""
    _NUDGES_SENT.inc()


def nudge_failed() -> None:
    """Counts a message that the broker did not take."""
    _NUDGES_FAILED.inc()


def nudges_dropped(ids: int) -> None:
    """Counts ids that only the sweep will find."""
    _NUDGES_DROPPED.inc(ids)


def expect(gateways: Collection[str]) -> None:
    """Shows the counters of these gateways from the start: a missing figure raises no alarm."""
    for counter in (*_TOLD.values(), _UNREADABLE):
        for gateway in gateways:
            counter.labels(gateway)


def forget_past_runs() -> None:
    """Empties the folder; for the one who starts all processes, before the first of them."""
    for file in _FOLDER.glob("*.db"):
        with suppress(FileNotFoundError):
            file.unlink()


def serve(store: Store, host: str, port: int) -> Callable[[], None]:
    """Shows everything at http://host:port/metrics; answers the function that ends it."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(_FOLDER))
    registry.register(_Books(store))
    server, thread = start_http_server(port, addr=host, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


class _Asking:
    """One look at the database, on a thread of its own: nobody waits for a frozen server."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: Figures | None = None
        self._is_over = threading.Event()
        threading.Thread(target=self._ask, name="figures", daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._is_over.is_set()

    def answer(self, seconds: float) -> Figures | None:
        self._is_over.wait(seconds)
        return self._found

    def _ask(self) -> None:
        try:
            with self._store.transaction() as books:
                self._found = figures.read(books)
        except Exception as error:  # noqa: BLE001 - the counters must show when the rows cannot
            _log.warning("figures_unknown", error=type(error).__name__)
        finally:
            self._is_over.set()


class _Books(Collector):
    """The figures of the database; one look at a time, so a frozen server holds one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._asking: _Asking | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._look()
        yield GaugeMetricFamily(
            "incasso_figures_known", "Whether the database answered", value=int(found is not None)
        )
        if found is not None:
            yield from _gauges(found)

    def _look(self) -> Figures | None:
        with self._turn:
            if self._asking is None or self._asking.is_over:
                self._asking = _Asking(self._store)
            asking = self._asking
        return asking.answer(_PATIENCE_SECONDS)


def _gauges(found: Figures) -> Iterator[GaugeMetricFamily]:
    yield _gauge("incasso_inbox_rows", "Events that are not finished", "state", found.inbox)
    yield GaugeMetricFamily(
        "incasso_oldest_received_seconds",
        "How long the first of the waiting events has waited",
        value=found.oldest_received_seconds,
    )
    kinds = tuple(kind.value for kind in AttentionKind)
    yield _gauge("incasso_attention_open", "What needs a person", "kind", found.attention, kinds)
    yield _gauge(
        "incasso_unapplied_minor",
        "Money that is applied to nothing, in minor units",
        "currency",
        found.unapplied_minor,
    )
    yield _gauge("incasso_outbox_rows", "Effects that are not finished", "state", found.outbox)


def _gauge(
    name: str, says: str, label: str, rows: tuple[CountRow, ...], expected: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    """A figure per row; those expected show as nought while there is no row of them."""
    family = GaugeMetricFamily(name, says, labels=[label])
    for of, amount in (dict.fromkeys(expected, 0) | {row.name: row.amount for row in rows}).items():
        family.add_metric([of], amount)
    return family
