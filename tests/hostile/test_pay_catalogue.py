"""Every hostile input at a hosted link: the answer, and that nothing changed but what may."""

import logging
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest

from domain import links
from ledger.links import showing
from ledger.store import Store
from runtime import logs
from tests.desk import Desk
from tests.hostile.house import digests
from tests.hostile.pay_rows import ROWS, PayRow, Scene
from tests.ledger import counting
from tests.stores import Stores
from tests.web import paying
from tests.web.conftest import NOW

SITES = count()


@pytest.fixture(scope="module")
def store(stores: Stores, worker: str) -> Iterator[Store]:
    """One database for all rows: each brings a client and an invoice of its own."""
    with stores.clone(f"{worker}_pay") as dsn:
        store = Store(dsn)
        Desk(store).open()
        yield store
        store.close()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_hostile_input_has_its_answer_and_changes_nothing_else(
    row: PayRow, store: Store, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with paying.opened(store, f"x{next(SITES)}x") as site:
        scene = Scene(site)
        row.prepare(scene)
        before = digests(site.desk)

        answers = row.play(scene)

        after = digests(site.desk)
        row.check(scene, answers)
        told = {
            "".join(logs.redact(None, "", {"event": line}).values()) for line in caplog.messages
        }
        assert not [line for line in told if scene.token in line]
    assert {name for name in after if after[name] != before[name]} == row.changes
    if row.answers:
        assert Counter(answer.status_code for answer in answers) == Counter(row.answers)
    assert site.desk.differences() == []


def test_every_row_of_hosted_links_has_its_cases():
    assert {row.number for row in ROWS} == set(range(84, 92))
    assert len({str(row) for row in ROWS}) == len(ROWS) > 40


def test_every_wrong_token_costs_the_same(store: Store):
    """Time is no test; what the database is asked is."""
    wrong = [links.token(b"secret", 1, 1), "A" * 42, "", "A" * 200, "\0", "ț" * 43]

    with counting.counted(store) as statements:
        for token in wrong:
            with store.transaction() as books:
                assert showing.find(books, token, NOW) is None

    looks = [each for each in statements if "pay_" in each]
    assert len(looks) == len(wrong)
    assert len(set(looks)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "GET /pay/{token} 200",
        "GET https://pay.example/pay/{token}/return?lang=ro",
        "success_url=https%3A%2F%2Fpay.example%2Fpay%2F{token}%2Freturn",
        "Traceback: no such page: '/pay/{token}'",
    ],
)
def test_a_token_is_masked_wherever_a_line_has_it(line: str):
    token = links.token(b"secret", 1, 1)

    told = logs.redact(None, "", {"event": line.format(token=token), "path": f"/pay/{token}"})

    assert token not in str(told)
    assert "[redacted]" in str(told["event"])
