"""Clients over HTTP: what is taken is what is shown, and nothing else is taken."""

from datetime import datetime

import pytest

from tests.web.conftest import Caller, posted
from tests.web.test_door import problem

WHOLE = {
    "name": "Cofetăria Lămâița SRL",
    "number": "C-7",
    "externalId": "crm-7",
    "email": "facturi@lamaita.example",
    "taxId": "RO22222222",
    "isCompany": False,
    "currency": "EUR",
    "country": "DE",
    "street": "Bd. Unirii 21",
    "city": "Iași",
    "county": "Iași",
    "postalCode": "700001",
    "language": "en",
    "timezone": "Europe/Berlin",
    "ibans": ["RO49AAAA1B31007593840000", "DE89370400440532013000"],
    "terms": 14,
    "reminderPolicy": "none",
}


def test_a_client_is_shown_as_it_was_entered(api: Caller):
    added = api.post("/api/clients", json=WHOLE)

    assert added.status_code == 201
    shown = api.get(added.headers["location"]).json()
    assert shown == added.json() | {"balance": [], "unapplied": []}
    assert {name: shown[name] for name in WHOLE} == WHOLE
    assert datetime.fromisoformat(shown["createdAt"]).tzinfo


def test_a_client_needs_only_a_name(api: Caller):
    added = posted(api, "/api/clients", {"name": "  Ana  "})

    assert added["name"] == "Ana"
    assert (added["currency"], added["country"], added["language"]) == ("RON", "RO", "ro")
    assert (added["isCompany"], added["terms"], added["ibans"]) == (True, 30, [])
    assert added["reminderPolicy"] == "standard"


@pytest.mark.parametrize("field", ["number", "externalId"])
def test_a_number_belongs_to_one_client(api: Caller, field: str):
    posted(api, "/api/clients", {"name": "Ana", field: "7"})

    answer = api.post("/api/clients", json={"name": "Bogdan", field: "7"})

    assert problem(answer) == (409, "already_exists")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", None),
        ("name", 7),
        ("name", "x" * 301),
        ("name", "two\nlines"),
        ("name", "a\u2028b"),
        ("number", "x" * 101),
        ("number", 7),
        ("email", "ana"),
        ("email", "ana@example"),
        ("email", "ana@example.ro\r\nBcc: all@example.ro"),
        ("email", "ana@example.ro\r\n"),
        ("email", "\nana@example.ro"),
        ("email", "ana@example.ro,b@example.ro"),
        ("city", "Cluj\n"),
        ("email", "Ana <ana@example.ro>"),
        ("email", f"{'x' * 250}@example.ro"),
        ("isCompany", "yes"),
        ("isCompany", 1),
        ("currency", "XXX"),
        ("currency", "ron"),
        ("currency", "RO"),
        ("country", "XX"),
        ("country", "ro"),
        ("country", "ROU"),
        ("language", "xx"),
        ("language", "RO"),
        ("timezone", "Europe/Atlantis"),
        ("timezone", "../../etc/passwd"),
        ("ibans", "RO49AAAA1B31007593840000"),
        ("ibans", ["RO49AAAA1B31007593840001"]),
        ("ibans", ["RO49"]),
        ("ibans", ["RO49AAAA1B3100759384000٠"]),
        ("ibans", ["RO49AAAA1B31007593840000"] * 21),
        ("terms", -1),
        ("terms", 366),
        ("terms", "30"),
        ("terms", 30.5),
        ("terms", True),
        ("reminderPolicy", "never"),
    ],
)
def test_a_senseless_field_is_refused_by_name(refused: Caller, field: str, value: object):
    answer = refused.post("/api/clients", json={"name": "Ana", field: value})

    assert problem(answer) == (422, "malformed_request")
    assert answer.json()["fields"][0]["field"].startswith(field)


def test_spaces_around_an_address_are_not_part_of_it(api: Caller):
    added = posted(
        api,
        "/api/clients",
        {"name": "Ana", "email": " ana@example.ro ", "ibans": ["ro49 aaaa 1b31 0075 9384 0000"]},
    )

    assert added["email"] == "ana@example.ro"
    assert added["ibans"] == ["RO49AAAA1B31007593840000"]


@pytest.mark.parametrize("field", ["id", "createdAt", "balance", "tenant_id", "external_id", "x"])
def test_a_field_that_is_not_offered_is_refused(refused: Caller, field: str):
    answer = refused.post("/api/clients", json={"name": "Ana", field: "1"})

    assert problem(answer) == (422, "malformed_request")
    told = answer.json()["fields"][0]
    assert (told["field"], told["code"]) == (field, "extra_forbidden")


def test_clients_are_listed_oldest_first(api: Caller):
    names = ["Ana", "Bogdan", "Carmen"]
    for name in names:
        posted(api, "/api/clients", {"name": name})

    listed = api.get("/api/clients").json()

    assert [client["name"] for client in listed["data"]] == names
    assert listed["next"] is None
