"""The door to the database: what goes wrong inside a transaction is told for what it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger.store import Books, Store


class TimeIsUp(Exception):  # noqa: N818 - as Celery's limits, an exception and no error
    """Raised by a signal, wherever the program stands."""


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_limit_that_strikes_in_mid_statement_is_told_as_itself(store: Store):
    with pytest.raises(TimeIsUp), interrupted_after(0.3), store.transaction() as books:
        books.run("SELECT pg_sleep(20)")

    with store.transaction() as books:
        assert books.value("SELECT 1") == 1


def test_a_limit_that_strikes_between_statements_is_told_as_itself(store: Store):
    def half_an_act(books: Books) -> None:
        books.run("CREATE TABLE half_done ()")
        raise TimeIsUp

    with pytest.raises(TimeIsUp):
        store.act(half_an_act)

    with store.transaction() as books:
        assert books.value("SELECT to_regclass('half_done')") is None
