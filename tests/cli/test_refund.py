"""`incasso refund`: money goes back by a person's word, from the command line."""

import json
from collections.abc import Iterator

import pytest

from domain.ids import Kind, public
from runtime import wiring
from runtime.settings import settings
from tests import stripe_events
from tests.builders import a_report, ron
from tests.cli.running import Run
from tests.desk import Desk

WHY = ("--reason", "goods came back")


@pytest.fixture
def payment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_x")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", stripe_events.SECRET)
    settings.cache_clear()
    wiring.gateways.cache_clear()
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121.00"), reference="pi_1", meant_for=invoice.number)])
    desk.settle()
    yield str(public(Kind.PAYMENT, desk.payments()[-1].id))
    settings.cache_clear()
    wiring.gateways.cache_clear()


def reserved(desk: Desk) -> int:
    return int(desk.query("SELECT reserved_minor FROM payments")[0][0])


def test_a_payment_is_named_by_its_id_or_as_its_gateway_does(desk: Desk, run: Run, payment: str):
    by_id = run("refund", payment, "--amount", "20", *WHY)
    by_name = run("refund", "pi_1", "--json", *WHY)

    assert by_id.out == "Refund 1: 20.00 RON are reserved and on their way back.\n"
    told = json.loads(by_name.out)
    assert (told["id"], told["amount_minor"], told["state"]) == (2, 10_100, "open")
    assert reserved(desk) == 12_100


def test_while_refunds_are_stopped_nobody_is_told_that_they_go(desk: Desk, run: Run, payment: str):
    run("stop", "refunds", "--reason", "the gateway is ill")

    said = run("refund", payment, "--amount", "20", *WHY)

    assert said.out == (
        "Refund 1: 20.00 RON are reserved; they go after `incasso resume refunds`.\n"
    )
    assert reserved(desk) == 2_000


def test_a_refund_that_was_never_sent_is_ended(desk: Desk, run: Run, payment: str):
    run("refund", payment, *WHY)

    ended = run("refund", payment, "--end", "1", "--reason", "a mistake")

    assert ended.out == "Refund 1 of 121.00 RON is over; its amount is free again.\n"
    assert reserved(desk) == 0


def test_what_a_person_saw_at_the_panel_is_booked(desk: Desk, run: Run, payment: str):
    """As a gateway without names for refunds would have it asked."""
    desk.query(
        "INSERT INTO attention (kind, subject, detail)"
        " VALUES ('refund_untold', 'event:1', 'of pi_1') RETURNING id"
    )

    told = run("refund", payment, "--told", "1", "--amount", "21", *WHY)

    assert told.out == "21 went back, as event 1 told: it is booked.\n"
    assert desk.query("SELECT returned_minor FROM payments") == [(2_100,)]
    assert ("refund_untold", "event:1") not in desk.attention()
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("said", "code", "match"),
    [
        (("refund", "pi_9", *WHY), 1, "there is no payment pi_9"),
        (("refund", "pi_1", "--amount", "122", *WHY), 1, "at most 121.00 RON"),
        (("refund", "pi_1", "--amount", "much", *WHY), 1, "--amount"),
        (("refund", "pi_1", "--end", "7", *WHY), 1, "no refund 7"),
        (("refund", "pi_1", "--end", "7", "--amount", "1", *WHY), 2, "stand alone"),
        (("refund", "pi_1", "--went", "7", "--only-unapplied", *WHY), 2, "stand alone"),
        (("refund", "pi_1", "--went", "7", "--end", "7", *WHY), 2, "only one"),
        (("refund", "pi_1", "--went", "7", *WHY), 1, "no refund 7"),
        (("refund", "pi_1", "--told", "1", *WHY), 2, "go together"),
        (("refund", "pi_1", "--told", "1", "--amount", "1", *WHY), 1, "event 1 asks nobody"),
        (("refund", "pi_1"), 2, "--reason"),
    ],
)
@pytest.mark.usefixtures("payment")
def test_what_makes_no_sense_is_refused(
    desk: Desk, run: Run, said: tuple[str, ...], code: int, match: str
):
    told = run(*said)

    assert told.code == code
    assert match in told.err
    assert reserved(desk) == 0
