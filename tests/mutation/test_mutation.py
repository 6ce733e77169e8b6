"""No barrier without a patch that takes it away, no patch without a test that notices."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation import patching, table
from tests.mutation.barriers import barriers, unmatched
from tests.mutation.patching import Edit, Patch, Stale
from tests.mutation.trying import ROOT, Verdict, addresses, attempt, copied_tree
from tests.stores import Stores

# One of each kind, really tried; `make mutate` tries them all.
FIVE = (
    "constraint.inbox_event_once",
    "lock.books.holdings.lock_payments",
    "trigger.postings_append_only",
    "logic.signature_compared",
    "logic.freed_credit_applied_again",
)

PATCHES = patching.all_patches()


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    with copied_tree() as folder:
        yield folder


def test_every_barrier_has_its_patch_and_every_patch_its_barrier(dsn: str):
    assert len(PATCHES) > 150
    assert unmatched(ROOT, dsn) == []


def test_every_patch_applies():
    for patch in PATCHES.values():
        assert patch.apply(ROOT)


def test_every_test_that_a_patch_names_is_there():
    named = {test for patch in PATCHES.values() for test in patch.caught_by}

    missing = [test for test in named if not _is_there(test)]

    assert len(named) > 100
    assert not missing


def test_few_barriers_cannot_be_observed_and_each_says_why():
    assert sum(patch.unseen is not None for patch in PATCHES.values()) <= 5


def test_the_reliability_page_shows_every_barrier(dsn: str):
    assert table.is_in_step(ROOT, barriers(ROOT, dsn), PATCHES), (
        "docs/reliability.md is behind: run .venv/bin/python -m tests.mutation renew"
    )


@pytest.mark.parametrize("name", FIVE)
def test_the_loss_of_a_barrier_is_caught(name: str, tree: Path, stores: Stores):
    tried = attempt(tree, PATCHES[name], addresses(stores))

    assert tried.verdict is Verdict.CAUGHT, tried.why


def test_a_change_that_no_test_notices_survives(tree: Path, stores: Stores):
    signature = PATCHES["logic.signature_compared"]
    harmless = Edit(signature.edits[0].path, "_MOST_SIGNATURES = 10", "_MOST_SIGNATURES = 11")

    tried = attempt(tree, replace(signature, edits=(harmless,)), addresses(stores))

    assert tried.verdict is Verdict.SURVIVED
    assert signature.caught_by[0] in tried.why


@pytest.mark.parametrize("text", ["what nobody ever wrote", "return"])
def test_a_patch_whose_text_is_not_there_once_says_how_to_renew_it(text: str, tmp_path: Path):
    (tmp_path / "a.py").write_text("return\nreturn\n")
    patch = Patch("some", (Edit("a.py", text, ""),), ("a test",), None)

    with pytest.raises(Stale, match=r"some\.patch does not apply.*tests\.mutation renew"):
        patch.apply(tmp_path)


def test_a_patch_names_its_tests_or_says_why_it_cannot_be_observed():
    edit = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n"

    for head in ("", "# caught by: a::b\n# cannot be observed: no\n"):
        with pytest.raises(ValueError, match=r"some\.patch names no test"):
            patching.parse("some", head + edit)
    with pytest.raises(ValueError, match="no part of a patch"):
        patching.parse("some", f"# caught by: a::b\nhm\n{edit}")


def _is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    function = name.partition("[")[0]
    return re.search(rf"^def {function}\(", (ROOT / path).read_text(), re.MULTILINE) is not None
