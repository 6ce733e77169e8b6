"""Steps fall on local days at nine in the morning, whatever the clocks do."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from domain.letters import Overdue, reminder
from domain.reminders import STEPS_DAYS, due_at
from tests.builders import ZONE, at, ron


@pytest.mark.parametrize(
    ("due_on", "step", "instant"),
    [
        (date(2026, 11, 1), 7, at("2026-11-08T07:00")),
        (date(2026, 10, 20), 7, at("2026-10-27T07:00")),  # clocks went back on the 25th
        (date(2026, 3, 25), 7, at("2026-04-01T06:00")),  # and forward on 29 March
        (date(2026, 1, 31), 30, at("2026-03-02T07:00")),
    ],
)
def test_days_are_counted_on_the_local_calendar(due_on, step, instant):
    assert due_at(due_on, step, ZONE) == instant


def test_the_clients_zone_decides():
    assert due_at(date(2026, 11, 1), 7, ZoneInfo("America/New_York")) == at("2026-11-08T14:00")


@pytest.mark.parametrize("language", ["ro", "en"])
@pytest.mark.parametrize("step", STEPS_DAYS)
def test_every_step_names_the_invoice_and_what_is_owed_now(language, step):
    overdue = Overdue(
        number="INV-0007",
        issue_on=date(2026, 10, 1),
        due_on=date(2026, 10, 31),
        total=ron("1190.00"),
        open=ron("690.00"),
        seller="Demo SRL",
        ibans=("RO49AAAA1B31007593840000",),
    )

    letter = reminder(overdue, step, language)

    assert "INV-0007" in letter.subject
    assert ("690,00 RON" if language == "ro" else "690.00 RON") in letter.text
    assert "RO49AAAA1B31007593840000" in letter.text
