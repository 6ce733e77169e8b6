"""`incasso payment-link`: the address to pay at, from the command line."""

import json
from collections.abc import Callable

import pytest

from domain.ids import Kind, public
from tests.cli.running import Run
from tests.desk import Desk


def test_an_invoice_has_one_address(desk: Desk, run: Run):
    invoice = desk.invoice(desk.open())

    first = run("payment-link", "INV-0001")
    second = run("payment-link", str(public(Kind.INVOICE, invoice.id)))

    assert first.code == 0
    assert first.out.startswith("http://127.0.0.1:8000/pay/")
    assert len(first.out.strip().rpartition("/")[2]) == 43
    assert second.out == first.out


def test_terms_are_printed_for_programs(desk: Desk, run: Run):
    desk.invoice(desk.open())

    told = run("payment-link", "INV-0001", "--expires", "2190-01-02", "--parts", "--json")

    printed = json.loads(told.out)
    assert printed["takesParts"] is True
    assert printed["expiresAt"] == "2190-01-01T22:00:00+00:00"


def test_a_client_is_found_by_number_external_id_or_id(desk: Desk, run: Run):
    desk.open()
    client = desk.client(number="C-7", external_id="x7")

    names = ("C-7", "x7", str(public(Kind.CLIENT, client)))

    assert len({run("payment-link", name).out for name in names}) == 1


def test_a_link_is_taken_back(desk: Desk, run: Run):
    desk.invoice(desk.open())
    first = run("payment-link", "INV-0001").out

    said = [run("payment-link", "INV-0001", "--revoke").out for _ in range(2)]
    told = run("payment-link", "INV-0001", "--revoke", "--json")

    assert "opens nothing any more" in said[0]
    assert "no link" in said[1]
    assert json.loads(told.out) == {"revoked": False}
    assert run("payment-link", "INV-0001").out != first


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("INV-9",), 1),
        (("INV-0001", "--expires", "2020-01-01"), 1),
        (("INV-0001", "--expires", "soon"), 2),
        (("INV-0001", "--revoke", "--parts"), 2),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    desk: Desk, run: Run, given: tuple[str, ...], code: int
):
    desk.invoice(desk.open())

    said = run("payment-link", *given)

    assert said.code == code
    assert desk.query("SELECT count(*) FROM pay_links") == [(0,)]


def test_without_a_secret_nobody_gets_a_link(desk: Desk, run: Run, wire: Callable[..., None]):
    desk.invoice(desk.open())
    wire(SECRET_KEY="short")

    said = run("payment-link", "INV-0001")

    assert said.code == 1
    assert "SECRET_KEY" in said.err
