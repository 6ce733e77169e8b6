"""What the same server does at best: pgbench's single-row INSERT, and a whole event in one call."""

import re
import shutil
import subprocess
from pathlib import Path

from benchmarks import cpu, ground
from benchmarks.bench import Bench, Figures, differences
from benchmarks.processes import spent
from cli.embedded import lodging
from domain.errors import Refused

INSERT_CLIENTS = 32
EVENT_CLIENTS = 16

ONE_CALL = Path(__file__).with_name("one_call.sql")

# Every client counts its own events; together they come in the order of numbers.
_NUMBER = r"""
\set i :i + 1
\set n :first + (:i - 1) * :clients + :client_id
"""
_INSERT = (
    _NUMBER
    + """
INSERT INTO inbox (gateway, account, event_id, source, kind, headers, raw, sha256)
VALUES ('stripe', 'own/test', 'evt_3' || lpad(:n::text, 24, '0'), 'webhook', '{kind}', '{headers}',
        convert_to('{body}', 'UTF8'), '\\x{sha256}');
"""
)
_EVENT = (
    _NUMBER
    + r"""
\set part :n % 4
\set invoice :n / 4 - :part * {spread} + 1
SELECT settle_one('evt_3' || lpad(:n::text, 24, '0'), 'pi_3' || lpad(:n::text, 24, '0'),
                  'ch_3' || lpad(:n::text, 24, '0'),
                  'INV-' || lpad(:invoice::text, greatest(4, length(:invoice::text)), '0'),
                  {minor}, to_timestamp(1760000000), convert_to('{body}', 'UTF8'), '{headers}');
"""
)


def insert(bench: Bench) -> Figures:
    """Single-row INSERTs a second into the inbox, 32 clients."""
    script = _INSERT.format(
        kind=ground.KIND, headers=ground.HEADERS, body=_body(bench), sha256="00" * 32
    )
    with bench.stores.clone("insert"):
        return _measured(bench, "insert", script, INSERT_CLIENTS)


def event(bench: Bench) -> Figures:
    """Whole events a second, each settled by one function call in its own transaction."""
    with bench.stores.clone("one_call") as dsn:
        bench.stores.run("one_call", ONE_CALL.read_text())
        figures = _measured(bench, "one_call", event_script(bench), EVENT_CLIENTS)
        return {**figures, "differences": differences(dsn)}


def event_script(bench: Bench) -> str:
    """Settles the next event of a client by one call."""
    return _EVENT.format(
        spread=bench.ground.series.spread,
        minor=ground.PART_MINOR,
        headers=ground.HEADERS,
        body=_body(bench),
    )


def _body(bench: Bench) -> str:
    """A body as SQL text; pgbench would take a colon before a letter for a variable."""
    body = bench.ground.series.body(bench.numbers.start).decode()
    assert not re.search(r":\w", body)
    return body.replace("'", "''")


def run(bench: Bench, database: str, script: str, clients: int, *limit: str) -> tuple[int, float]:
    """How many were done, and how many a second; `limit` as pgbench takes it."""
    path = bench.stores.folder / f"{database}.pgbench"
    path.write_text(script)
    given = {"i": 0, "first": _next(bench, database), "clients": clients}
    argv = [
        *(_program(), "-n", "-M", "prepared", "-c", str(clients), "-j", "1"),
        *(*limit, "-f", str(path)),
        *(part for name, value in given.items() for part in ("-D", f"{name}={value}")),
        bench.stores.dsn(database),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    number = re.search(r"actually processed: (\d+)", done.stdout)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode or number is None or rate is None:
        raise Refused("pgbench_failed", done.stderr.strip()[-2000:])
    return int(number[1]), float(rate[1])


def _measured(bench: Bench, database: str, script: str, clients: int) -> Figures:
    counting = "SELECT count(*) FROM inbox"
    run(bench, database, script, clients, *_for(bench.warm_seconds))
    before, kept = _server(bench), bench.stores.value(database, counting)
    done, per_s = run(bench, database, script, clients, *_for(bench.seconds))
    cost = spent(before, _server(bench), done)
    if bench.stores.value(database, counting) - kept != done:
        raise Refused("not_measured", f"pgbench told of {done} events that are not there")
    return {"per_s": per_s, "cpu": cost}


def _next(bench: Bench, database: str) -> int:
    """The number after the highest that ever came."""
    highest = "SELECT max(right(event_id, 24)::bigint) FROM inbox"
    return max(bench.numbers.start, 1 + int(bench.stores.value(database, highest)))


def _for(seconds: float) -> tuple[str, str]:
    return "-T", str(max(1, round(seconds)))


def _server(bench: Bench) -> dict[str, float]:
    return cpu.seconds({"postgres": [bench.stores.postgres.pid]})


def _program() -> str:
    bundled = lodging.bundled_programs() / "pgbench"
    found = str(bundled) if bundled.exists() else shutil.which("pgbench")
    if found is None:
        raise Refused("no_pgbench", "no pgbench here: apt-get install postgresql")
    return found
