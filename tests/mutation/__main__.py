"""`make mutate`: takes every barrier away, one by one, and runs the tests that must fail.

`renew` writes the patches that follow from the code, and the table of the reliability page, anew.
Any other word chooses the mutations whose name has it.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from runtime.settings import settings
from tests.mutation import catalog, making, patching, table
from tests.mutation.barriers import barriers, unmatched
from tests.mutation.patching import Patch
from tests.mutation.trying import ROOT, Tried, Verdict, addresses, attempt, copied_tree, failures
from tests.stores import Stores, running

_HANDS = 2


def main(words: Sequence[str]) -> int:
    """0 when every barrier has a patch and every mutation is caught or explained."""
    asked, began = settings(), time.monotonic()
    with running(asked.test_database_url, asked.test_broker_url) as stores:
        dsn = stores.dsn(stores.template)
        if list(words) == ["renew"]:
            return _renew(dsn)
        lacking = unmatched(ROOT, dsn) if not words else []
        chosen = [
            patch
            for name, patch in patching.all_patches().items()
            if not words or any(word in name for word in words)
        ]
        done = _try_all(chosen, stores)
    _say(f"\n{time.monotonic() - began:.0f} s")
    return _sum_up(done, lacking)


def _renew(dsn: str) -> int:
    for name in making.renew(ROOT, catalog.guards(dsn)):
        _say(f"wrote {name}.patch")
    table.write(ROOT, barriers(ROOT, dsn), patching.all_patches())
    for line in unmatched(ROOT, dsn):
        _say(line)
    return 0


def _try_all(chosen: Sequence[Patch], stores: Stores) -> list[Tried]:
    """All mutations, two at a time, each in a copy of the tree that is nobody else's meanwhile."""
    with ExitStack() as stack:
        free: SimpleQueue[Path] = SimpleQueue()
        for _ in range(_HANDS):
            free.put(stack.enter_context(copied_tree()))
        tree = free.get()
        broken = _unpatched(tree, chosen, stores)
        free.put(tree)

        def one(patch: Patch) -> Tried:
            if set(patch.caught_by) & broken:
                return Tried(patch.name, Verdict.FAILS_UNPATCHED, why=", ".join(patch.caught_by))
            tree = free.get()
            try:
                return attempt(tree, patch, addresses(stores))
            finally:
                free.put(tree)

        with ThreadPoolExecutor(_HANDS) as hands:
            return list(_told(hands.map(one, chosen), len(chosen)))


def _unpatched(tree: Path, chosen: Sequence[Patch], stores: Stores) -> set[str]:
    """The named tests that do not pass as things are; they would prove nothing."""
    tests = {test for patch in chosen for test in patch.caught_by}
    if not tests:
        return set()
    _say(f"{len(tests)} tests without any patch …")
    failed, output = failures(tree, tests, addresses(stores), hands=_HANDS)
    if " passed" not in output:
        _say(output[-4000:])
        return tests
    broken = {test for test in tests if any(each.startswith(test) for each in failed)}
    if broken:
        _say(output[-4000:])
    return broken


def _told(done: Iterator[Tried], total: int) -> Iterator[Tried]:
    for number, each in enumerate(done, start=1):
        how = f": {each.why[:100]}" if each.verdict is Verdict.CAUGHT else ""
        _say(f"[{number:3}/{total}] {each.verdict} {each.name} ({each.seconds:.1f} s){how}")
        yield each


def _sum_up(done: Sequence[Tried], lacking: Sequence[str]) -> int:
    kinds: Mapping[tuple[str, str], int] = Counter(
        (each.name.partition(".")[0], each.verdict) for each in done
    )
    for (kind, verdict), number in sorted(kinds.items()):
        _say(f"{kind:12} {verdict:16} {number:4}")
    good = (Verdict.CAUGHT, Verdict.EXPLAINED)
    bad = [each for each in done if each.verdict not in good]
    for each in bad:
        _say(f"\n{each.verdict}: {each.name}: {each.why}")
    for line in lacking:
        _say(line)
    caught, explained = (sum(each.verdict is verdict for each in done) for verdict in good)
    _say(
        f"mutations={len(done)} caught={caught} explained={explained}"
        f" survived={len(bad)} without_patch={len(lacking)}"
    )
    return 1 if bad or lacking or not done else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
