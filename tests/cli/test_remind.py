"""`incasso remind`: the word that an invoice is owed again, from the command line."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from domain.facts import FactClass, Move
from ledger.store import Store
from runtime import wiring
from runtime.settings import settings
from tests.builders import a_report, ron
from tests.desk import Desk


@pytest.fixture
def desk(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", fresh_dsn)
    settings.cache_clear()
    wiring.store.cache_clear()
    store = Store(fresh_dsn)
    yield Desk(store)
    store.close()
    wiring.store().close()
    settings.cache_clear()
    wiring.store.cache_clear()


def test_a_held_invoice_is_reminded_of_again(desk: Desk):
    invoice = desk.invoice(desk.open())
    back = a_report(
        ron("21"), move=Move.OUT, item="re_1", fact_class=FactClass.REFUND, meant_for=None
    )
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)], [back])
    desk.settle()

    said = CliRunner().invoke(app, ["remind", str(invoice.number), "--reason", "goods kept"])

    assert said.exit_code == 0
    assert "3 reminders planned" in said.output
    assert desk.query("SELECT reason FROM hold_words") == [("goods kept",)]


def test_an_invoice_nobody_knows_changes_nothing(desk: Desk):
    desk.open()

    said = CliRunner().invoke(app, ["remind", "INV-9", "--reason", "x"])

    assert said.exit_code != 0
    assert desk.query("SELECT count(*) FROM hold_words") == [(0,)]
