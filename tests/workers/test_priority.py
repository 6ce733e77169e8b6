"""A worker lets the door go first, and never asks for more than the system gives."""

import subprocess
import sys

_PROGRAM = """
import os

from runtime import priority
before = os.nice(0)
priority.give_way()
print(os.nice(0) - before, os.sched_getscheduler(0) == os.SCHED_BATCH)
"""


def test_who_gives_way_has_a_smaller_share_and_pushes_nobody_aside():
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["5", "True"]
