"""Who goes first when all processors are busy: whoever accepts money, before whoever books it."""

import os
from contextlib import suppress
from pathlib import Path

_STEPS = 5  # about a third of the share that an equal one would have

# Where Linux shares processors between sessions, a step of one process counts within its session.
_SESSION = Path("/proc/self/autogroup")


def give_way() -> None:
    """Lets others go first from now on, also when they wake up; where the system does not mind.

    Under full load three of four turns go to the door, and nothing stands still: what is not booked
    at once is kept, and a larger batch costs less for each of its rows.
    """
    with suppress(OSError):
        os.nice(_STEPS)
    with suppress(OSError):
        _SESSION.write_text(str(_STEPS))
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
