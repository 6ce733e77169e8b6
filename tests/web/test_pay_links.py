"""Hosted links over the API: given out, given out again, taken back."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.web.conftest import Caller, a_draft, posted
from tests.web.test_door import problem


@pytest.fixture
def invoice(api: Caller, client_id: str) -> str:
    id_ = str(posted(api, "/api/invoices", a_draft(client_id))["id"])
    assert api.post(f"/api/invoices/{id_}/send").status_code == 200
    return f"/api/invoices/{id_}/payment_link"


def linked(api: Caller, path: str, **body: object) -> dict[str, Any]:
    answer = api.post(path, json=body) if body else api.post(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_an_invoice_has_one_link_that_opens_its_page(api: Caller, invoice: str):
    first, again = linked(api, invoice), linked(api, invoice)

    assert first == again
    assert first["url"].startswith("https://pay.example/pay/")
    assert (first["expiresAt"], first["takesParts"]) == (None, False)
    page = api.get(urlsplit(first["url"]).path)
    assert page.status_code == 200
    assert "INV-0001" in page.text


def test_terms_are_said_with_the_link(api: Caller, invoice: str):
    said = linked(api, invoice, expiresAt="2026-12-31T23:00:00+02:00", takesParts=True)

    assert said["takesParts"] is True
    assert said["expiresAt"] == "2026-12-31T21:00:00Z"
    assert linked(api, invoice) == said


def test_a_revoked_link_is_gone_and_the_next_one_is_new(api: Caller, invoice: str):
    first = linked(api, invoice)

    revoked = [api.post(f"{invoice}/revoke").json() for _ in range(2)]
    second = linked(api, invoice)

    assert revoked == [{"revoked": True}, {"revoked": False}]
    assert second["url"] != first["url"]
    assert api.get(urlsplit(first["url"]).path).status_code == 410
    assert api.get(urlsplit(second["url"]).path).status_code == 200


def test_the_link_of_a_void_invoice_can_be_taken_back(api: Caller, invoice: str):
    path = urlsplit(linked(api, invoice)["url"]).path
    void = invoice.replace("payment_link", "void")
    assert api.post(void, json={"reason": "a mistake"}).status_code == 200
    shown = api.get(path)

    assert api.post(f"{invoice}/revoke").json() == {"revoked": True}
    assert (shown.status_code, api.get(path).status_code) == (200, 410)
    assert api.post(invoice).status_code == 409


def test_a_client_has_a_link_for_all_he_owes(api: Caller, client_id: str, invoice: str):
    path = f"/api/clients/{client_id}/payment_link"

    url = linked(api, path)["url"]

    assert url != linked(api, invoice)["url"]
    assert "INV-0001" in api.get(urlsplit(url).path).text
    assert api.post(f"{path}/revoke").json() == {"revoked": True}


@pytest.mark.parametrize(
    "body",
    [
        {"expiresAt": "2026-12-31"},
        {"expiresAt": "2026-12-31T10:00:00"},
        {"expiresAt": "2026-11-20T09:59:59Z"},
        {"takesParts": "yes"},
        {"amount": "1.00"},
    ],
)
def test_terms_that_make_no_sense_are_refused(api: Caller, invoice: str, body: dict[str, object]):
    assert api.post(invoice, json=body).status_code == 422


def test_a_draft_has_no_link(api: Caller, client_id: str):
    draft = posted(api, "/api/invoices", a_draft(client_id))["id"]

    assert problem(api.post(f"/api/invoices/{draft}/payment_link")) == (409, "not_issued")


def test_a_key_stands_for_one_revocation(api: Caller, invoice: str):
    linked(api, invoice)
    key = {"Idempotency-Key": "k1"}

    first = api.post(f"{invoice}/revoke", headers=key).json()
    new = linked(api, invoice)
    again = api.post(f"{invoice}/revoke", headers=key).json()

    assert (first, again) == ({"revoked": True}, {"revoked": False})
    assert linked(api, invoice) == new
