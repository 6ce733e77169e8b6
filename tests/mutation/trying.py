"""One barrier away, in a copy of the tree: do the tests that its patch names fail?"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from runtime.settings import environment
from tests.mutation.patching import Patch, Stale
from tests.stores import Stores

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240

# The same that a fresh checkout would not have; what is made here is no part of the product.
_MADE_HERE = re.compile(r"__pycache__|.*\.egg-info|\.(?!ci$|env\.example$).*")
_VERDICT = re.compile(r"^(FAILED|ERROR) (.+?)(?: - (.*))?$", re.MULTILINE)
_MANNERS = ("-q", "-rfE", "--tb=line", "--no-header", "-p", "no:randomly", "-p", "no:cacheprovider")


class Verdict(StrEnum):
    """What came of a mutation."""

    CAUGHT = "caught"
    EXPLAINED = "explained"
    SURVIVED = "SURVIVED"
    STALE = "DOES NOT APPLY"
    FAILS_UNPATCHED = "FAILS UNPATCHED"


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutation and what came of it; `why` is how the test failed, or what went wrong instead."""

    name: str
    verdict: Verdict
    seconds: float = 0.0
    why: str = ""


@contextmanager
def copied_tree() -> Iterator[Path]:
    """A copy of the product and its tests, gone afterwards."""
    with TemporaryDirectory(prefix="incasso-mutation-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_ignored)
        yield tree


def attempt(tree: Path, patch: Patch, stores: Mapping[str, str]) -> Tried:
    """Takes the barrier away in this tree and runs the tests that must fail; all of them must."""
    began = time.monotonic()
    if patch.unseen is not None:
        return Tried(patch.name, Verdict.EXPLAINED, why=patch.unseen)
    try:
        with patch.applied(tree):
            failed, output = failures(tree, patch.caught_by, stores)
    except Stale as stale:
        return Tried(patch.name, Verdict.STALE, why=str(stale))
    seconds = time.monotonic() - began
    passed = [test for test in patch.caught_by if not _is_among(test, failed)]
    if passed:
        why = f"{', '.join(passed)} did not fail:\n{output[-2000:]}"
        return Tried(patch.name, Verdict.SURVIVED, seconds, why)
    return Tried(patch.name, Verdict.CAUGHT, seconds, "; ".join(sorted(set(failed.values()))))


def failures(
    tree: Path, tests: Iterable[str], stores: Mapping[str, str], hands: int = 0
) -> tuple[dict[str, str], str]:
    """Which of these tests fail in this tree and how, with all that was printed.

    One that could not even begin, because a fixture of its own broke, proves nothing.
    """
    argv = [sys.executable, "-m", "pytest", *_MANNERS, "-n", str(hands), *sorted(set(tests))]
    try:
        run = subprocess.run(
            argv,
            cwd=tree,
            env=environment(**stores, COLUMNS="500"),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * max(hands, 1) * 2,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}, "no end within the patience"
    verdicts = _VERDICT.findall(run.stdout)
    broken = {test for kind, test, _ in verdicts if kind == "ERROR"}
    if run.returncode not in (0, 1):
        return {}, run.stdout + run.stderr
    failed = {test: how for kind, test, how in verdicts if kind == "FAILED" and test not in broken}
    return failed, run.stdout


def addresses(stores: Stores) -> dict[str, str]:
    """The stores of this run, as the tests in a copy are told them."""
    return {"TEST_DATABASE_URL": stores.database_url, "TEST_BROKER_URL": stores.broker_url}


def _is_among(test: str, failed: Iterable[str]) -> bool:
    """Whether this test failed, or one of its cases where it names none."""
    return any(each == test or each.startswith(f"{test}[") for each in failed)


def _ignored(_: str, names: list[str]) -> set[str]:
    return {name for name in names if _MADE_HERE.fullmatch(name)}
