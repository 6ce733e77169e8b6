"""`make bench`: every candidate in interleaved rounds on one server; fails when the audit does."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console

from benchmarks import baselines, ground, pgbench, product, report, statements, stores, whole
from benchmarks.bench import MOST_PER_SECOND, Bench, Figures
from benchmarks.processes import ROOT
from domain.errors import Refused
from runtime import clock

RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
PROTOTYPES = ROOT.parent / "shared" / "prototypes"

_SPREAD = 3_334  # 20,004 events settled before
_WARM_SECONDS = 1.0

Candidates = Mapping[str, Callable[[], Figures]]


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each load lasts.")] = 5.0,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = RESULTS,
    prototypes: Annotated[Path, typer.Option(help="Where the prototypes lie.")] = PROTOTYPES,
    only: Annotated[str, typer.Option(help="Some candidates, comma separated; not kept.")] = "",
    spread: Annotated[int, typer.Option(hidden=True)] = _SPREAD,
) -> None:
    """Measure Incasso beside pgbench and a naive stack, on a PostgreSQL and a Redis of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(stderr=True, highlight=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    try:
        results = _run(console, _Plan(rounds, seconds, prototypes, spread, only.split(",")))
    except Refused as refused:
        console.print(f"[red]{refused}")
        raise typer.Exit(1) from refused
    if not only:
        report.write(results, out)
    report.show(results, Console(highlight=False))
    if results["audit_differences"]:
        console.print("[red]the audit found differences: what was measured is not right")
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Plan:
    rounds: int
    seconds: float
    prototypes: Path
    spread: int
    only: list[str]


def _run(console: Console, plan: _Plan) -> report.Results:
    with stores.running() as running:
        console.print("laying the ground: invoices, and events that are long settled")
        fresh = round((plan.seconds + 2 * _WARM_SECONDS) * MOST_PER_SECOND)
        laid = ground.lay(running, plan.spread, fresh)
        bench = Bench(running, laid, plan.seconds, _WARM_SECONDS, backlog=6 * plan.spread)
        candidates = _candidates(bench, plan, console)
        batch = statements.per_batch(bench)
        loads = [os.getloadavg()[0]]
        told = []
        for number in range(plan.rounds):
            told.append(_round(candidates, f"round {number + 1} of {plan.rounds}", console))
            loads.append(os.getloadavg()[0])
        return report.of(
            told,
            statements_per_batch=batch,
            seconds_each=plan.seconds,
            connections=32,
            body_bytes=len(laid.series.body(laid.first)),
            load_average=[round(load, 1) for load in loads],
            measured_at=clock.now().isoformat(timespec="seconds"),
            each_round=told,
        )


def _candidates(bench: Bench, plan: _Plan, console: Console) -> Candidates:
    seconds = bench.seconds + bench.warm_seconds
    naive = baselines.naive(bench.stores, bench.ground.series, seconds)
    found: dict[str, Callable[[], Figures]] = {}
    if (plan.prototypes / "tasks.py").exists():
        folder = plan.prototypes.resolve()
        other = baselines.prototype(bench.stores, folder, plan.spread, seconds)
        found["prototype"] = partial(whole.end_to_end, bench, other)
    else:
        console.print("[yellow]SKIPPED: no prototypes beside the checkout; no naive_vs_prototype")
    # Those that are compared with each other come one after the other.
    found |= {
        "naive": partial(whole.end_to_end, bench, naive),
        "end_to_end": partial(whole.end_to_end, bench, product.stack(bench)),
        "pgbench_event": partial(pgbench.event, bench),
        "intake": partial(product.intake, bench),
        "pgbench_insert": partial(pgbench.insert, bench),
        "settle": partial(product.settle, bench),
        "single": partial(product.single, bench),
    }
    return {name: found[name] for name in found if not any(plan.only) or name in plan.only}


def _round(candidates: Candidates, number: str, console: Console) -> report.Round:
    told: dict[str, Any] = {}
    for name, measure in candidates.items():
        with console.status(f"{number}: {name}"):
            told[name] = measure()
        rate = told[name].get("per_s")
        shown = f"{rate:>9,.0f}/s" if rate else f"{min(told[name]['waits_ms']):>8.1f} ms"
        console.print(f"{number}  {name:<15} {shown}")
    return told


if __name__ == "__main__":
    typer.run(main)
