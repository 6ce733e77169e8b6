"""Tells the workers what was kept, beside the flush: nobody at the door waits for the broker."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from runtime import metrics

MOST_IDS = 5_000
BREAK_SECONDS = 5.0

# A message costs as much as keeping ten deliveries, here and at the worker, and the worker goes on
# while rows wait: after one message the next can wait a moment, longer the more there was to tell;
# the first never does.
_LEAST_BREATH_SECONDS, _MOST_BREATH_SECONDS = 0.01, 0.2
_BREATH_SECONDS_PER_ID = 0.0005

_log = structlog.get_logger(__name__)


class Nudger:
    """One thread with one message under way; what arrives meanwhile joins the next.

    What it drops or never sends is found by the sweep.
    """

    def __init__(self, send: Callable[[Sequence[int]], None]) -> None:
        self._send = send
        self._ids: list[int] = []
        self._change = threading.Condition()
        self._is_stopping = False
        self._silent_until = 0.0
        self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def nudge(self, ids: Sequence[int]) -> None:
        """Takes ids for the next message, as many as there is room for; never waits.

        Wakes the thread for the first of them only: the others find it awake, or in a pause.
        """
        with self._change:
            room = MOST_IDS - len(self._ids)
            if not self._ids:
                self._change.notify()
            self._ids.extend(ids[:room])
        if len(ids) > room:
            metrics.nudges_dropped(len(ids) - room)

    def stop(self) -> None:
        """Sends what is left, once, and ends within the patience of the sender."""
        with self._change:
            self._is_stopping = True
            self._change.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._ids or self._is_stopping)
                self._change.wait_for(lambda: self._is_stopping, self._silent_until - monotonic())
                if not self._ids:
                    return
                ids, self._ids = self._ids, []
            is_sent = self._try(ids)
            if self._is_stopping and not is_sent:
                return

    def _try(self, ids: list[int]) -> bool:
        try:
            self._send(ids)
        except Exception as error:  # noqa: BLE001 - whatever the broker does, the thread goes on
            _log.warning("nudge_failed", events=len(ids), error=type(error).__name__)
            metrics.nudge_failed()
            self._silent_until = monotonic() + BREAK_SECONDS
            self.nudge(ids)
            return False
        breath_seconds = max(_LEAST_BREATH_SECONDS, len(ids) * _BREATH_SECONDS_PER_ID)
        self._silent_until = monotonic() + min(breath_seconds, _MOST_BREATH_SECONDS)
        metrics.nudged()
        return True
