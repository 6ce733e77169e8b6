"""The bench runs from end to end, and tells everything it promises; how fast is not asked here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processes import ROOT

PROMISED = {
    *("end_to_end_per_s", "intake_per_s", "settle_per_s", "accept_p50_ms", "accept_p99_ms"),
    *("pgbench_event_one_call_per_s", "pgbench_insert_32_per_s", "naive_per_s"),
    *("end_to_end_vs_pgbench", "intake_vs_pgbench_insert", "end_to_end_vs_naive"),
    *("cpu_us_per_event", "statements_per_batch", "audit_differences", "rounds"),
    *("single_settle_p50_ms", "single_settle_p99_ms", "ranges", "load_average"),
}


@pytest.mark.timeout(300)
def test_a_short_bench_tells_all_it_promises(tmp_path: Path) -> None:
    out = tmp_path / "latest.json"
    sizes = ("--rounds", "1", "--seconds", "0.5", "--spread", "25")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", *sizes, "--out", str(out)),
            *("--prototypes", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text())
    assert set(told) >= PROMISED
    assert told["audit_differences"] == 0
    assert told["rounds"] == 1
    assert min(told[name] for name in PROMISED if name.endswith(("_per_s", "_ms"))) > 0
    assert {"web", "worker", "postgres", "redis"} <= set(told["cpu_us_per_event"])
    assert "SKIPPED" in done.stderr
    assert "naive_vs_prototype" not in told
