"""Ticks of the clock for settling and some errands, closer together than beat's own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from celery import Celery
from kombu.entity import Exchange, Queue

from workers.nudges import Nudges

_EVERY_SECONDS = 0.3


@contextmanager
def ticking(broker: str, tasks: Sequence[str]) -> Iterator[None]:
    """Settling and these tasks of the network are called for again and again meanwhile."""
    app = Celery(broker=broker)
    app.conf.broker_transport_options = {"global_keyprefix": "incasso:"}
    exchange = Exchange("incasso", type="direct")
    app.conf.task_queues = [Queue(name, exchange, name) for name in ("money", "network")]
    nudges, is_over = Nudges(app), Event()

    def tick() -> None:
        while not is_over.wait(_EVERY_SECONDS):
            nudges.send([])
            for task in tasks:
                nudges.go_on(task)
        nudges.close()

    clock = Thread(target=tick, name="clockwork")
    clock.start()
    try:
        yield
    finally:
        is_over.set()
        clock.join()
