"""Memory of a process that works in bursts: how it is looked through, and how much there may be."""

import gc
import resource

# A batch makes some 50,000 objects and no cycles; looked through every 700 of them, as Python does
# by default, a tenth of the time goes into finding nothing.
_THRESHOLDS = (20_000, 50, 100)


def settle_down() -> None:
    """Tells the collector that everything loaded so far stays; to be called when start is over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def bound(most_bytes: int) -> None:
    """From now on more than that is a MemoryError here; else the kernel ends whom it likes."""
    _, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    if hardest != resource.RLIM_INFINITY:
        most_bytes = min(most_bytes, hardest)
    resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, hardest))
