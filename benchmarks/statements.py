"""How many statements one batch of the worker costs, as the server logs them."""

import re

from benchmarks import ground
from benchmarks.bench import Bench
from ledger.inbox import waiting
from ledger.store import Store
from workers import events

_FRAME = re.compile(r"BEGIN|COMMIT|ROLLBACK|SET |DISCARD", re.IGNORECASE)
_LOGGED = re.compile(r"^LOG:  (?:statement|execute [^:\n]*):\s*(\S+ )", re.MULTILINE)


def per_batch(bench: Bench) -> int:
    """The statements of one batch, claim and close included, begin and commit not counted."""
    gateways = {bench.ground.gateway.name: bench.ground.gateway}
    first = bench.numbers.start
    with bench.stores.clone("counted") as dsn:
        bench.stores.run("counted", "ALTER DATABASE counted SET log_statement = 'all'")
        store = Store(dsn)
        for numbers in (range(first, first + 1), range(first + 1, first + 1 + waiting.MOST_ROWS)):
            ground.put(bench.stores, "counted", bench.ground, numbers)
            seen = bench.stores.said()
            assert events.settle_next(store, gateways, waiting.claim_fresh)
        logged = _LOGGED.findall(bench.stores.said()[len(seen) :])
        store.close()
    return sum(_FRAME.match(statement) is None for statement in logged)
