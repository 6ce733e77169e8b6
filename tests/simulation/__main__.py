"""`python -m tests.simulation --seed N --steps M`: exits non-zero when a law is broken."""

import argparse
import logging
import secrets
import sys

import structlog

from runtime.settings import settings
from tests.simulation.run import run
from tests.stores import running


def main() -> None:
    """Runs one seed in stores of its own and prints what happened; the last line sums it up."""
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    _say(f"seed {arguments.seed}, {arguments.steps} steps")
    asked = settings()
    with (
        running(asked.test_database_url, asked.test_broker_url) as stores,
        stores.clone(f"simulation_{arguments.seed}") as dsn,
    ):
        report = run(dsn, arguments.seed, arguments.steps)
    for line in report.lines():
        _say(line)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--steps", type=int, default=1000)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
