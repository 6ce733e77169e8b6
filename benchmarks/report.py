"""What a run has found: medians and ranges over its rounds, as JSON and as a table."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import percentile

Round = Mapping[str, Mapping[str, Any]]
Results = dict[str, Any]

# What each figure is taken from: a candidate and its key.
_FIGURES = {
    "end_to_end_per_s": ("end_to_end", "per_s"),
    "intake_per_s": ("intake", "per_s"),
    "settle_per_s": ("settle", "per_s"),
    "accept_p50_ms": ("end_to_end", "p50_ms"),
    "accept_p99_ms": ("end_to_end", "p99_ms"),
    "events_per_batch": ("end_to_end", "events_per_batch"),
    "intake_p50_ms": ("intake", "p50_ms"),
    "intake_p99_ms": ("intake", "p99_ms"),
    "pgbench_event_one_call_per_s": ("pgbench_event", "per_s"),
    "pgbench_insert_32_per_s": ("pgbench_insert", "per_s"),
    "naive_per_s": ("naive", "per_s"),
    "prototype_naive_per_s": ("prototype", "per_s"),
    "sender_us_per_request": ("intake", "sender_us"),
}
# Ratios are taken within each round: its candidates ran side by side, on the machine as it was.
_RATIOS = {
    "end_to_end_vs_pgbench": ("end_to_end_per_s", "pgbench_event_one_call_per_s"),
    "intake_vs_pgbench_insert": ("intake_per_s", "pgbench_insert_32_per_s"),
    "end_to_end_vs_naive": ("end_to_end_per_s", "naive_per_s"),
    "naive_vs_prototype": ("naive_per_s", "prototype_naive_per_s"),
}
_COSTS = ("end_to_end", "intake", "settle", "pgbench_event", "pgbench_insert", "naive")
_NO_WAITS: Mapping[str, Any] = {"waits_ms": ()}
_AUDITED = ("end_to_end", "settle", "pgbench_event")


def of(rounds: Sequence[Round], **more: Any) -> Results:
    """The figures of a run, each with its range over the rounds in `ranges`."""
    each = {
        name: values
        for name, (candidate, key) in _FIGURES.items()
        if (values := [told[candidate][key] for told in rounds if candidate in told])
    }
    for name, (ours, theirs) in _RATIOS.items():
        if ours in each and theirs in each:
            each[name] = [a / b for a, b in zip(each[ours], each[theirs], strict=True)]
    costs = {
        name: _cost([told[name]["cpu"] for told in rounds]) for name in _COSTS if name in rounds[0]
    }
    if {"end_to_end", "pgbench_event"} <= set(costs):
        each["end_to_end_vs_pgbench_by_cpu"] = [
            sum(told["pgbench_event"]["cpu"].values()) / sum(told["end_to_end"]["cpu"].values())
            for told in rounds
        ]
    waits = tuple(wait for told in rounds for wait in told.get("single", _NO_WAITS)["waits_ms"])
    return {
        **{name: _short(median(values)) for name, values in each.items()},
        "single_settle_p50_ms": _short(percentile(waits, 50)),
        "single_settle_p99_ms": _short(percentile(waits, 99)),
        "single_settles": len(waits),
        "cpu_us_per_event": costs.pop("end_to_end", {}),
        "cpu_us_per_event_of_others": costs,
        "audit_differences": sum(
            told[name]["differences"] for told in rounds for name in _AUDITED if name in told
        ),
        "rounds": len(rounds),
        "ranges": {
            name: [_short(min(values)), _short(max(values))] for name, values in each.items()
        },
        "machine": _machine(),
        **more,
    }


def write(results: Results, path: Path) -> None:
    """Keeps the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")


def show(results: Results, console: Console) -> None:
    """Prints the results."""
    table = Table("figure", "median", "lowest", "highest", box=None, padding=(0, 2, 0, 0))
    for name, value in results.items():
        if isinstance(value, int | float):
            lowest, highest = results["ranges"].get(name, ("", ""))
            table.add_row(name, str(value), str(lowest), str(highest))
    console.print(table)
    for name, costs in [
        ("end_to_end", results["cpu_us_per_event"]),
        *results["cpu_us_per_event_of_others"].items(),
    ]:
        told = "  ".join(f"{who} {cost:.0f}" for who, cost in costs.items())
        console.print(f"CPU microseconds per event, {name}: {told}")


def _cost(told: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of every process, and of their sum."""
    by_process = {name: _short(median(each[name] for each in told)) for name in told[0]}
    return {**by_process, "all": _short(median(sum(each.values()) for each in told))}


def _short(value: float) -> float:
    return round(value, 3 if value < 10 else 1)


def _machine() -> dict[str, Any]:
    read: Callable[[str], str] = lambda path: Path(path).read_text()  # noqa: E731
    models = [line for line in read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0].partition(": ")[2] if models else platform.machine(),
        "python": platform.python_version(),
    }
