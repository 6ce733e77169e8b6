"""The naive baseline, and the naive stack of the prototype where that lies beside the checkout."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import celery
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks import ground, load, processes
from benchmarks.processes import ROOT, Processes
from benchmarks.product import Bench, Figures
from benchmarks.series import Series
from benchmarks.stores import Stores
from domain.errors import Refused

_MOST_PER_SECOND = 3_000
_SETTLED = 20_000
_HERE = Path(__file__).parent
_MARK, _INVOICE = 987654321012, 123456789


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stack that takes the same load: its ground, its events, and how it is started."""

    name: str
    series: Series
    secret: str
    waiting: str
    settled: str
    start: Callable[[Processes], None]

    @property
    def ground(self) -> str:
        """The database that its clones are made from."""
        return f"{self.name}_ground"


def naive(stores: Stores, series: Series, seconds: float) -> Baseline:
    """FastAPI, ORM, one task per event; lays its ground."""
    from benchmarks.naive import models

    baseline = Baseline(
        name="naive",
        series=series,
        secret=ground.SECRET,
        waiting="SELECT EXISTS (SELECT FROM events WHERE state = 'received')",
        settled="SELECT count(*) FROM events WHERE state = 'done'",
        start=_start_naive,
    )
    dsn = stores.create(baseline.ground)
    engine = create_engine(make_url(dsn).set(drivername="postgresql+psycopg"))
    models.Base.metadata.create_all(engine)
    engine.dispose()
    text = (_HERE / "naive" / "ground.sql").read_text()
    _fill(stores, baseline, text, _invoices(series, seconds))
    return baseline


def prototype(stores: Stores, folder: Path, spread: int, seconds: float) -> Baseline:
    """The naive stack of the prototype in `folder`; lays its ground."""
    body = runpy.run_path(str(folder / "mkpayload.py"))["body"](_MARK, _INVOICE).decode()
    template = body.replace(f'"invoice_id": "{_INVOICE}"', '"invoice_id": "INVOICE"')
    series = Series(template, str(_MARK), "INVOICE", "{}", digits=12, spread=spread)
    baseline = Baseline(
        name="prototype",
        series=series,
        secret="whsec_test_secret",  # the prototype's own
        waiting="SELECT EXISTS (SELECT FROM inbox WHERE status = 0)",
        settled="SELECT count(*) FROM inbox WHERE status = 1",
        start=lambda running: _start_prototype(running, folder),
    )
    stores.create(baseline.ground)
    stores.run(baseline.ground, (folder / "schema.sql").read_text())
    text = (_HERE / "prototype" / "ground.sql").read_text()
    _fill(stores, baseline, text, _invoices(series, seconds))
    return baseline


def end_to_end(bench: Bench, baseline: Baseline) -> Figures:
    """Events settled, over the time from the first post until the last one is settled."""
    stores, name, first = bench.stores, baseline.name, baseline.series.settled_before
    numbers = range(first, first + _most(bench.warm_seconds + bench.seconds))
    with stores.clone(name, baseline.ground) as dsn, processes.running(stores, dsn) as running:
        baseline.start(running)
        with (
            load.senders(baseline.series, numbers, running.port, secret=baseline.secret) as senders,
            stores.connect(name) as watching,
        ):

            def is_settled() -> bool:
                return not watching.execute(baseline.waiting).fetchone()[0]  # type: ignore

            senders.send(bench.warm_seconds)
            processes.until(is_settled, "the warm-up to be settled")
            before, spent = stores.value(name, baseline.settled), running.cpu_seconds()
            seen = senders.send(bench.seconds)
            ended = processes.until(is_settled, "all to be settled")
            settled = stores.value(name, baseline.settled) - before
            cpu = processes.spent(spent, running.cpu_seconds(), settled)
    if seen.refused or settled != seen.accepted:
        raise Refused("not_measured", f"{name}: {seen.accepted} acknowledged, {settled} settled")
    return {
        "per_s": settled / (ended - seen.began_at),
        "p50_ms": seen.percentile_ms(50),
        "p99_ms": seen.percentile_ms(99),
        "cpu": cpu,
    }


def _start_naive(running: Processes) -> None:
    _start(running, "benchmarks.naive.web:app", "benchmarks.naive.tasks")


def _start_prototype(running: Processes, folder: Path) -> None:
    given = {
        "PYTHONPATH": processes.modules((_HERE / "prototype", folder, ROOT)),
        "DESIGN": "naive",
        "REDIS_URL": running.broker_url,
    }
    _start(running, "start_web:app", "start_worker", **given)


def _start(running: Processes, web: str, worker: str, **variables: str) -> None:
    silent = ("--no-access-log", "--log-level", "warning")
    running.start("web", "-m", "uvicorn", web, "--port", str(running.port), *silent, **variables)
    address = processes.worker_address("baseline")
    manners = ("-n", address, "-P", "prefork", "-c", "2", "-l", "warning")
    quiet = ("--without-gossip", "--without-mingle")
    running.start("worker", "-m", "celery", "-A", worker, "worker", *manners, *quiet, **variables)
    processes.until(lambda: processes.answers(running.port, "/openapi.json"), "the web to answer")
    control = celery.Celery(broker=running.broker_url).control
    processes.until(
        lambda: bool(control.ping(destination=[address], timeout=0.5)), "the worker to answer"
    )


def _fill(stores: Stores, baseline: Baseline, text: str, invoices: int) -> None:
    body = baseline.series.body(0).decode().replace("'", "''")
    filled = text.replace("{invoices}", str(invoices)).replace("{body}", body)
    stores.run(baseline.ground, filled.replace("{settled}", str(_SETTLED)))
    stores.settle_down(baseline.ground)


def _invoices(series: Series, seconds: float) -> int:
    return series.invoices(series.settled_before + _most(seconds))


def _most(seconds: float) -> int:
    return round(_MOST_PER_SECOND * seconds)
