"""A minute of `make chaos`: everything that may die dies, and every accepted report is booked once.

The ten-minute version asks for more of everything; see `tests/chaos`.
"""

import sys
from pathlib import Path

import pytest

from tests.chaos.run import Floors, Run

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("stories")]

SEED = 1
FLOORS = Floors(faults=12, kinds=8, of_each_kind=0, accepted=3_000)


def test_a_storm_over_real_processes_loses_nothing_and_doubles_nothing(tmp_path: Path):
    def say(text: str) -> None:
        sys.stdout.write(text + "\n")

    outcome = Run(SEED, seconds=60, rate=250, folder=tmp_path, say=say).go(FLOORS)

    assert outcome.complaints == ()
    assert "lost=0 doubled=0" in outcome.line
