"""Whose turn it is to settle: one worker's at a time, as long as it keeps up.

The turn orders work, it guards no row: who settles without it does no harm, as rows are claimed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger.store import Store

_KEY = 0x7E11  # an advisory lock of this database; migrations have another


@contextmanager
def taken(store: Store) -> Iterator[bool]:
    """Whether the turn is ours; it ends with the block, or with our connection.

    Nobody waits for it. TryLater when the database does not answer, at the beginning or at the end,
    then in place of what the block raised.
    """
    with store.aside() as aside:
        yield bool(aside.value("SELECT pg_try_advisory_xact_lock(:key)", key=_KEY))
