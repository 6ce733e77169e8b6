"""Every hostile input of the catalogue: the answer, and that nothing changed but what may."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import (
    bodies,
    connections,
    mobilpay_rows,
    mobilpay_told,
    netopia_rows,
    paypal_keys,
    paypal_proofs,
    paypal_reports,
    reports,
    signatures,
)
from tests.hostile.house import House, Scene, counted, grown, opened
from tests.hostile.row import REFUSED, Row
from tests.stores import Stores

ROWS = (
    *(*signatures.ROWS, *bodies.ROWS, *reports.ROWS, *connections.ROWS),
    *(*paypal_proofs.ROWS, *paypal_keys.ROWS, *paypal_reports.ROWS),
    *netopia_rows.ROWS,
    *mobilpay_rows.ROWS,
)
NUMBERS = {*range(1, 59)}
RELIABILITY = Path(__file__).parents[2] / "docs/reliability.md"


@pytest.fixture(scope="module")
def house(stores: Stores, worker: str) -> Iterator[House]:
    """One house for all rows: each brings names of its own."""
    with stores.clone(f"{worker}_hostile") as dsn, opened(dsn) as house:
        yield house


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_hostile_input_has_its_answer_and_changes_nothing_else(
    row: Row, house: House, caplog: pytest.LogCaptureFixture
):
    scene = Scene(house, row.door, f"{row.number}x{next(house.scenes)}")
    house.port(row.door)
    row.prepare(scene)
    last = _last(house)
    before, counters = house.digests(), counted()

    answers = row.play(scene)
    house.settle()

    after = house.digests()
    assert Counter(answer.status for answer in answers) == Counter(row.answers)
    assert row.body is None or {answer.body for answer in answers} == {row.body}
    assert {table for table in after if after[table] != before[table]} == row.changes
    assert grown(counters, counted()) == row.counts
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
    _assert_made(house, last, row)
    if row.changes:
        assert house.desk.differences() == []


@pytest.mark.parametrize(
    ("body", "least"),
    [
        (REFUSED, 150),
        (netopia_rows.REFUSED, 40),
        (mobilpay_told.RESEND, 40),
        (mobilpay_told.FINAL, 20),
    ],
)
def test_a_refusal_never_tells_why(house: House, body: bytes, least: int):
    """Forged, old, unreadable: one answer, to the last header."""
    refusals = [row for row in ROWS if row.body == body]

    answers = [
        row.play(Scene(house, f"{row.door.split()[0]} refusing", f"r{number}"))[0]
        for number, row in enumerate(refusals)
    ]

    assert len(refusals) > least
    assert len({(a.status, tuple(a.headers.items()), a.body) for a in answers}) == 1


def test_every_row_of_the_catalogue_has_its_cases():
    assert {row.number for row in ROWS} == NUMBERS
    assert len({str(row) for row in ROWS}) == len(ROWS) > 200


def test_what_is_decided_otherwise_is_written_down_with_its_reason():
    text = RELIABILITY.read_text()
    section = text.partition("## Hostile input")[2].partition("\n## ")[0]

    numbers = re.findall(r"^\| (\d+(?:, \d+)*) \|.+\|.+\|", section, re.M)
    explained = {int(number) for each in numbers for number in each.split(", ")}

    assert explained == {row.number for row in ROWS if row.is_other}


def _last(house: House) -> dict[str, int]:
    return {
        table: house.desk.query(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]
        for table in ("inbox", "attention", "postings")
    }


def _assert_made(house: House, last: dict[str, int], row: Row) -> None:
    """The new rows of the inbox, of attention and of the postings are the ones expected."""
    made = house.desk.query(
        f"SELECT state, reason FROM inbox WHERE id > {last['inbox']} ORDER BY id"
    )
    assert [state for state, _ in made] == [state for state, _ in row.events]
    for (_, reason), (_, told) in zip(made, row.events, strict=True):
        assert reason == told or (told and told in reason)
    shown = house.desk.query(f"SELECT kind FROM attention WHERE id > {last['attention']}")
    assert sorted(kind for (kind,) in shown) == sorted(row.attention)
    moved = house.desk.query(f"SELECT kind FROM postings WHERE id > {last['postings']} ORDER BY id")
    assert sorted(kind for (kind,) in moved) == sorted(row.postings)
