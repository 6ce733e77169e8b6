"""Tells the workers to look, as a command does that has just given them something to do."""

from contextlib import suppress

from runtime.settings import settings


def nudge() -> None:
    """Sends one nudge; without a broker the sweep finds what waits, a few seconds later."""
    from kombu.exceptions import KombuError

    from workers.events import nudges

    if settings().broker_url is None:
        return
    with suppress(KombuError, OSError):
        nudges().send(())
    nudges().close()
