"""Amounts over HTTP are exact: as text or as a number, and never a float between."""

import json

import httpx
import pytest

from tests.web.conftest import CLIENT, Caller, a_draft
from tests.web.test_door import problem


def drafted(api: Caller, client_id: str, **literals: str) -> httpx.Response:
    """The answer to a draft with one line, whose fields are these very JSON texts."""
    body = a_draft(client_id, price=1)
    body["lines"][0] |= {field: f"@{field}@" for field in literals}
    text = json.dumps(body)
    for field, literal in literals.items():
        text = text.replace(f'"@{field}@"', literal)
    return api.post(
        "/api/invoices", content=text.encode(), headers={"content-type": "application/json"}
    )


def test_an_amount_is_taken_to_the_last_digit(api: Caller, client_id: str):
    shown = {
        "100": "100.00",
        "100.10": "100.10",
        '"100.1"': "100.10",
        "0.3": "0.30",
        "1e3": "1000.00",
        "1.5E2": "150.00",
        "25e-2": "0.25",
        '"007.50"': "7.50",
        "8123456789.123456": "8123456789.123456",
    }

    for literal, price in shown.items():
        answer = drafted(api, client_id, unitPrice=literal)
        assert answer.status_code == 201, answer.text
        assert answer.json()["lines"][0]["unitPrice"] == price


@pytest.mark.parametrize("literal", ["123456789012.123457", '"123456789012.123457"'])
def test_no_digit_is_lost_that_a_float_would_lose(api: Caller, client_id: str, literal: str):
    answer = drafted(api, client_id, quantity=literal, unitPrice="0.000001", vatRate="21")

    assert repr(float(literal.strip('"'))) == "123456789012.12346"
    assert answer.json()["lines"][0]["quantity"] == "123456789012.123457"


@pytest.mark.parametrize("field", ["unitPrice", "quantity", "discount", "vatRate"])
@pytest.mark.parametrize(
    "literal",
    [
        "0.30000000000000004",
        "1.0000001",
        "1e16",
        "1e-7",
        "-1",
        "-0.01",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "1e-999",
        "1" * 5_000,
        '"NaN"',
        '"Infinity"',
        '"1e3"',
        '"-1"',
        '"+1"',
        '" 1"',
        '"1 "',
        '"1,00"',
        '"1_000"',
        '"1,000.00"',
        '"１０"',
        '"١٠"',
        '"0x10"',
        '""',
        '".5"',
        '"5."',
        '"1234567890123456"',
    ],
    ids=lambda literal: literal[:20],
)
def test_what_is_no_plain_amount_is_refused(refused: Caller, field: str, literal: str):
    assert problem(drafted(refused, CLIENT, **{field: literal}))[0] == 422


@pytest.mark.parametrize(("literal", "shown"), [("0.10", "0.10"), ('"0.1"', "0.10"), ("0", "0.00")])
def test_a_discount_is_exact_money(api: Caller, client_id: str, literal: str, shown: str):
    answer = drafted(api, client_id, discount=literal)

    assert answer.json()["lines"][0]["discount"] == shown


def test_every_amount_is_answered_as_text(api: Caller, client_id: str):
    answer = drafted(api, client_id, quantity="3").json()

    assert (answer["total"], answer["balance"]) == ("3.63", "3.63")
    numbers = [value for value in answer["lines"][0].values() if isinstance(value, int | float)]
    assert numbers == []
