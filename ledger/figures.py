"""The figures that operations watch, counted from the rows at the moment they are asked for."""

from dataclasses import dataclass

from ledger.store import Books


@dataclass(frozen=True, slots=True)
class CountRow:
    """How many, or how much in minor units, there is of one thing."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What waits and what needs a person. `oldest_received_seconds` is 0 when nothing waits."""

    inbox: tuple[CountRow, ...]
    oldest_received_seconds: float
    attention: tuple[CountRow, ...]
    unapplied_minor: tuple[CountRow, ...]
    outbox: tuple[CountRow, ...]


# Only what is unfinished is counted, through the partial indexes: counting the millions that are
# done would read the whole table at every scrape.
_INBOX = """
SELECT state, count(inbox.id)
FROM unnest(ARRAY['received', 'parked', 'dead']) AS wanted (state) LEFT JOIN LATERAL (
    SELECT id FROM inbox WHERE inbox.state = 'received' AND wanted.state = 'received'
    UNION ALL
    SELECT id FROM inbox WHERE inbox.state IN ('parked', 'dead') AND inbox.state = wanted.state
) AS inbox ON true
GROUP BY state ORDER BY state
"""
_OLDEST = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - received_at), 0)::float8
FROM (SELECT min(id) AS id FROM inbox WHERE state = 'received') AS oldest
LEFT JOIN inbox USING (id)
"""
_ATTENTION = """
SELECT kind, count(*) FROM attention WHERE resolved_at IS NULL GROUP BY kind ORDER BY kind
"""
_UNAPPLIED = """
SELECT currency, sum(unapplied_minor + unidentified_minor)::bigint FROM payments
WHERE unapplied_minor > 0 OR unidentified_minor > 0 GROUP BY currency ORDER BY currency
"""
_OUTBOX = """
SELECT state, count(*) FROM outbox WHERE state NOT IN ('done', 'cancelled')
GROUP BY state ORDER BY state
"""


def read(books: Books) -> Figures:
    """Counts everything in a fixed number of statements."""
    return Figures(
        inbox=tuple(books.rows(CountRow, _INBOX)),
        oldest_received_seconds=float(books.value(_OLDEST)),
        attention=tuple(books.rows(CountRow, _ATTENTION)),
        unapplied_minor=tuple(books.rows(CountRow, _UNAPPLIED)),
        outbox=tuple(books.rows(CountRow, _OUTBOX)),
    )
