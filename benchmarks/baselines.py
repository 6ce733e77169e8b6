"""The naive baseline, and the naive stack of the prototype where that lies beside the checkout."""

import runpy
from pathlib import Path

import celery
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks import processes
from benchmarks.bench import Figures
from benchmarks.ground import SECRET
from benchmarks.processes import ROOT, Processes
from benchmarks.series import Series
from benchmarks.stores import Stores
from benchmarks.whole import Stack

_MOST_PER_SECOND = 3_000
_SETTLED = 20_000
_HERE = Path(__file__).parent
_MARK, _INVOICE = 987654321012, 123456789


def naive(stores: Stores, series: Series, seconds: float) -> Stack:
    """FastAPI, ORM, one task per event; lays its ground."""
    from benchmarks.naive import models

    stack = Stack(
        name="naive",
        ground="naive_ground",
        series=series,
        numbers=_numbers(series, seconds),
        secret=SECRET,
        waiting="SELECT EXISTS (SELECT FROM events WHERE state = 'received')",
        settled="SELECT count(*) FROM events WHERE state = 'done'",
        start=lambda running: _start(running, "benchmarks.naive.web:app", "benchmarks.naive.tasks"),
        judge=_nothing_more,
    )
    dsn = stores.create(stack.ground)
    engine = create_engine(make_url(dsn).set(drivername="postgresql+psycopg"))
    models.Base.metadata.create_all(engine)
    engine.dispose()
    text = (_HERE / "naive" / "ground.sql").read_text()
    _fill(stores, stack, text)
    return stack


def prototype(stores: Stores, folder: Path, spread: int, seconds: float) -> Stack:
    """The naive stack of the prototype in `folder`; lays its ground."""
    body = runpy.run_path(str(folder / "mkpayload.py"))["body"](_MARK, _INVOICE).decode()
    template = body.replace(f'"invoice_id": "{_INVOICE}"', '"invoice_id": "INVOICE"')
    series = Series(template, str(_MARK), "INVOICE", "{}", digits=12, spread=spread)
    stack = Stack(
        name="prototype",
        ground="prototype_ground",
        series=series,
        numbers=_numbers(series, seconds),
        secret="whsec_test_secret",  # the prototype's own
        waiting="SELECT EXISTS (SELECT FROM inbox WHERE status = 0)",
        settled="SELECT count(*) FROM inbox WHERE status = 1",
        start=lambda running: _start_prototype(running, folder),
        judge=_nothing_more,
    )
    stores.create(stack.ground)
    stores.run(stack.ground, (folder / "schema.sql").read_text())
    text = (_HERE / "prototype" / "ground.sql").read_text()
    _fill(stores, stack, text)
    return stack


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


def _fill(stores: Stores, stack: Stack, text: str) -> None:
    body = stack.series.body(0).decode().replace("'", "''")
    invoices = stack.series.invoices(stack.numbers.stop)
    filled = text.replace("{invoices}", str(invoices)).replace("{body}", body)
    stores.run(stack.ground, filled.replace("{settled}", str(_SETTLED)))
    stores.settle_down(stack.ground)


def _numbers(series: Series, seconds: float) -> range:
    first = series.settled_before
    return range(first, first + round(_MOST_PER_SECOND * seconds))


def _nothing_more(_: str) -> Figures:
    return {}
