"""Memory of a process that works in bursts: what it started with is never looked through again."""

import gc

# A batch makes some 50,000 objects and no cycles; looked through every 700 of them, as Python does
# by default, a tenth of the time goes into finding nothing.
_THRESHOLDS = (20_000, 50, 100)


def settle_down() -> None:
    """Tells the collector that everything loaded so far stays; to be called when start is over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
