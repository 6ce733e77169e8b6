"""`make chaos`: the simulator first, then a seeded storm over real processes, and the verdict."""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Floors, Run
from tests.stories.plant import ROOT

_STEPS_PER_MINUTE = 300


def main() -> int:
    """Exit 0 only when nothing was lost or doubled and every floor was reached."""
    asked = _arguments()
    say(f"seed {asked.seed}, {asked.minutes:g} minutes")
    if not _is_simulated(asked.seed, max(300, int(asked.minutes * _STEPS_PER_MINUTE))):
        say(f"the simulator failed at seed {asked.seed}; no storm")
        return 1
    folder = Path(tempfile.mkdtemp(prefix=f"incasso-chaos-{asked.seed}-"))
    run = Run(asked.seed, asked.minutes * 60, asked.rate, folder, say)
    try:
        outcome = run.go(Floors.of(asked.minutes))
    except BaseException:
        say(f"seed {asked.seed} broke off; its logs are kept in {folder}")
        raise
    if outcome.is_good:
        shutil.rmtree(folder)
    else:
        say(f"seed {asked.seed} failed; its logs are kept in {folder}")
    say(outcome.line)
    return 0 if outcome.is_good else 1


def _is_simulated(seed: int, steps: int) -> bool:
    """Whether the ledger keeps its laws under the simulator's faults, which strike at commits."""
    program = ("-m", "tests.simulation", "--seed", str(seed), "--steps", str(steps))
    return subprocess.run([sys.executable, *program], cwd=ROOT, check=False).returncode == 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=620.0, help="deliveries per second")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
