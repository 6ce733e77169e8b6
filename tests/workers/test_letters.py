"""By the clock: what is owed is chased, and nobody whose money has been reported to us."""

import email
import email.policy
from datetime import timedelta
from pathlib import Path

import pytest

from domain import links
from domain.errors import Refused
from ledger import outbox
from ledger.letters import claiming
from ledger.links import granting
from ledger.links.granting import Target, Terms
from ledger.store import Store
from runtime import clock
from runtime.settings import settings
from tests.builders import a_report, at, ron
from tests.desk import Desk
from workers import errands, reminders

LATER = at("2027-06-01")


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: LATER)
    monkeypatch.setattr(reminders, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(errands, "_PATIENCE_SECONDS", 0.3)


def letters(folder: Path) -> list[email.message.Message]:
    files = sorted((folder / "mailbox").glob("*.eml"))
    policy = email.policy.default
    return [email.message_from_bytes(file.read_bytes(), policy=policy) for file in files]


def text_of(letter: email.message.Message) -> str:
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


def test_a_due_reminder_becomes_one_letter(desk: Desk, tmp_path: Path):
    desk.invoice(desk.open())

    for _ in range(2):
        reminders.write_due()
        errands.run_errands()

    (letter,) = letters(tmp_path)
    assert letter["To"] == "ana@example.ro"
    assert letter["Subject"] == "Ultima reamintire: 121,00 RON restanți la factura INV-0001"
    assert desk.query("SELECT state FROM outbox") == [("done",)]


def test_the_schedule_plans_what_an_import_left_unplanned(desk: Desk):
    desk.invoice(desk.open())
    desk.query("DELETE FROM reminders RETURNING id")

    reminders.schedule()

    assert desk.query("SELECT count(*) FROM reminders WHERE state = 'planned'") == [(3,)]


def test_no_letter_is_written_while_reported_money_is_not_settled(desk: Desk, tmp_path: Path):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])

    reminders.write_due()
    assert desk.query("SELECT count(*) FROM outbox") == [(0,)]
    desk.settle()
    reminders.write_due()
    errands.run_errands()

    assert letters(tmp_path) == []


def test_a_letter_already_written_waits_for_reported_money_too(desk: Desk, tmp_path: Path):
    invoice = desk.invoice(desk.open())
    reminders.write_due()
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])

    errands.run_errands()
    assert letters(tmp_path) == []
    desk.settle()
    errands.run_errands()

    assert letters(tmp_path) == []
    assert desk.query("SELECT state FROM outbox") == [("cancelled",)]


def test_a_report_nobody_could_read_stops_letters_until_a_person_has_looked(
    desk: Desk, tmp_path: Path
):
    desk.invoice(desk.open())
    desk.deliver(Refused("malformed_amount", "-1"))
    desk.settle()

    reminders.write_due()
    errands.run_errands()
    assert letters(tmp_path) == []
    desk.query("UPDATE attention SET resolved_at = now() RETURNING id")
    reminders.write_due()
    errands.run_errands()

    assert len(letters(tmp_path)) == 1


def test_a_letter_nobody_can_receive_is_shown_to_a_person(desk: Desk, tmp_path: Path):
    desk.open()
    invoice = desk.invoice(desk.client())

    reminders.write_due()
    errands.run_errands()

    assert letters(tmp_path) == []
    assert desk.attention() == [("letter_failed", f"invoice:{invoice.id}")]


def test_dying_after_the_letter_was_put_writes_the_same_file_again(
    desk: Desk, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    desk.invoice(desk.open())
    reminders.write_due()

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(outbox, "finish", die)
        with pytest.raises(Killed):
            errands.run_errands()
    assert len(letters(tmp_path)) == 1
    monkeypatch.setattr(clock, "now", lambda: at("2027-06-01T00:02"))
    errands.run_errands()

    assert len(letters(tmp_path)) == 1
    assert desk.query("SELECT state, attempts FROM outbox") == [("done", 2)]


def test_a_letter_claimed_too_long_ago_is_judged_anew(
    desk: Desk, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    invoice = desk.invoice(desk.open())
    reminders.write_due()
    claim = claiming.claim

    def sleep_after(*given) -> object:
        claimed = claim(*given)
        monkeypatch.setattr(clock, "now", lambda: LATER + timedelta(hours=1))
        return claimed

    monkeypatch.setattr(claiming, "claim", sleep_after)
    errands.run_errands()
    assert letters(tmp_path) == []
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()
    monkeypatch.setattr(clock, "now", lambda: LATER + timedelta(hours=2))
    errands.run_errands()

    assert letters(tmp_path) == []
    assert desk.query("SELECT state FROM outbox") == [("cancelled",)]


def test_a_letter_that_cannot_be_written_is_given_up_and_holds_up_no_other(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    desk.open()
    bad = desk.invoice(desk.client(email="a@b.ro\nBcc: x"))
    desk.invoice(desk.client(email="good@example.ro"))
    reminders.write_due()

    runs = 0
    while desk.attention() == []:
        runs += 1
        monkeypatch.setattr(clock, "now", lambda runs=runs: LATER + timedelta(hours=runs))
        errands.run_errands()
        assert runs <= 5

    assert [letter["To"] for letter in letters(tmp_path)] == ["good@example.ro"]
    assert runs == 5
    assert desk.attention() == [("letter_failed", f"invoice:{bad.id}")]
    assert desk.query("SELECT state FROM outbox ORDER BY id") == [("failed",), ("done",)]


def test_a_letter_carries_the_link_to_pay_by(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    monkeypatch.setenv("BASE_URL", "https://pay.example")
    settings.cache_clear()
    invoice = desk.invoice(desk.open())

    reminders.write_due()
    errands.run_errands()

    token = links.token(b"s" * 32, 1, 1)
    (letter,) = letters(tmp_path)
    assert f"https://pay.example/pay/{token}?lang=ro" in text_of(letter)
    assert desk.query("SELECT invoice_id, version FROM pay_links") == [(invoice.id, 1)]


def test_a_letter_carries_no_link_that_a_person_revoked(
    desk: Desk, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    settings.cache_clear()
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)
    with store.transaction() as books:
        granting.grant(books, target, Terms(), b"s" * 32, "test", LATER)
        granting.revoke(books, target, "test", LATER)

    reminders.write_due()
    errands.run_errands()

    (letter,) = letters(tmp_path)
    assert "/pay/" not in text_of(letter)
