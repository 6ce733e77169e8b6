"""The simulator: a few seeds that never change, and one that nobody has seen."""

import secrets

import pytest

from tests.simulation.report import Report
from tests.simulation.run import replay, run
from tests.stores import Stores

STEPS = 150

pytestmark = pytest.mark.timeout(400)  # a loaded machine is slow, and a run is long


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_the_books_are_what_was_told(fresh_dsn: str, seed: int):
    _tell(run(fresh_dsn, seed, STEPS))


def test_whatever_happens_under_a_fresh_seed_the_books_are_what_was_told(fresh_dsn: str):
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")  # noqa: T201

    _tell(run(fresh_dsn, seed, STEPS))


def test_a_seed_is_the_same_run_every_time(stores: Stores, worker: str):
    told = []
    for turn in ("once", "again"):
        with stores.clone(f"{worker}_{turn}") as dsn:
            told.append(replay(dsn, 4, 40).lines())

    assert told[0] == told[1]


def _tell(report: Report) -> None:
    """The floors were reached, else the run would have failed."""
    print("\n".join(report.lines()))  # noqa: T201
    assert report.done["events"] > 40
    assert report.done["payments"] > 8
    assert report.died.total() > 30
