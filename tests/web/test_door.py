"""Who may come in, and what every refusal looks like."""

import httpx
import pytest
from structlog.testing import capture_logs

from domain.ids import Kind, public
from ledger.access import tokens
from ledger.store import Store
from tests.web.conftest import TOKEN, Caller
from web.api.door import MOST_BODY_BYTES

ROUTES = [
    ("POST", "/api/clients"),
    ("GET", "/api/clients"),
    ("GET", "/api/clients/x"),
    ("POST", "/api/invoices"),
    ("GET", "/api/invoices"),
    ("GET", "/api/invoices/x"),
    ("POST", "/api/invoices/x/send"),
    ("POST", "/api/invoices/x/void"),
    ("POST", "/api/invoices/x/credit_note"),
    ("POST", "/api/invoices/x/write_off"),
    ("POST", "/api/invoices/x/undo_write_off"),
    ("POST", "/api/invoices/x/payment_link"),
    ("POST", "/api/invoices/x/payment_link/revoke"),
    ("POST", "/api/clients/x/payment_link"),
    ("POST", "/api/clients/x/payment_link/revoke"),
    ("GET", "/api/invoices/x/why"),
    ("GET", "/api/payments"),
    ("GET", "/api/payments/x"),
    ("POST", "/api/payments/x/link_to_invoice"),
    ("POST", "/api/payments/x/unlink_from_invoice"),
    ("POST", "/api/payments/x/assign"),
    ("POST", "/api/payments/x/refund"),
    ("GET", "/api/payments/x/refunds"),
    ("GET", "/api/refunds/x"),
    ("POST", "/api/refunds/x/end"),
    ("POST", "/api/refunds/x/went"),
    ("POST", "/api/payments/x/returned"),
]


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of a problem document that is whole."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["type"]
    assert told["title"]
    assert told["detail"]
    return answer.status_code, told["code"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_opens_without_a_token(stranger: Caller, method: str, path: str):
    answer = stranger.request(method, path, content=b"no JSON at all")

    assert problem(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"authtoken": "wrong"},
        {"authtoken": ""},
        {"authtoken": f"Bearer {TOKEN}"},
        {"Authorization": "Bearer țoken".encode().decode("latin-1")},
    ],
    ids=str,
)
def test_a_wrong_token_is_refused(stranger: Caller, headers: dict[str, str]):
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    assert problem(stranger.get("/api/clients", headers=raw)) == (401, "unauthorized")


def test_a_token_in_the_address_is_refused(stranger: Caller):
    answer = stranger.get("/api/clients", params={"token": TOKEN, "authtoken": TOKEN})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer {TOKEN}"},
        {"authtoken": TOKEN},
    ],
    ids=["bearer", "lower case", "authtoken"],
)
def test_a_token_opens_by_either_header(stranger: Caller, headers: dict[str, str]):
    assert stranger.get("/api/clients", headers=headers).status_code == 200


def test_a_revoked_token_opens_nothing_any_more(api: Caller, store: Store):
    with store.transaction() as books:
        tokens.revoke(books, "tests")

    assert problem(api.get("/api/clients")) == (401, "unauthorized")


def test_an_address_that_leads_nowhere_is_a_problem_document(refused: Caller):
    assert problem(refused.get("/api/nothing")) == (404, "unknown_address")
    assert problem(refused.get("/api/clients/")) == (404, "unknown_address")
    assert problem(refused.delete("/api/clients")) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("room", "kind", "wrong_kind"),
    [
        ("clients", Kind.CLIENT, Kind.INVOICE),
        ("invoices", Kind.INVOICE, Kind.PAYMENT),
        ("payments", Kind.PAYMENT, Kind.CLIENT),
    ],
)
def test_an_id_that_names_nothing_is_not_found_whatever_it_is(
    refused: Caller, room: str, kind: Kind, wrong_kind: Kind
):
    names = [public(kind, 999), public(wrong_kind, 1), public(kind, 2**60 - 1), "1", "%27", "%00"]

    answers = {problem(refused.get(f"/api/{room}/{name}")) for name in names}

    assert answers == {(404, f"unknown_{kind.name.lower()}")}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b'{"name": "a"} trailing',
        b'{"name": "a", "name": "b"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "\\ud800"}',
        b'{"name": "a", "terms": NaN}',
        b'{"name": "a", "terms": 1e999}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b"1" * 5_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_is_no_strict_json_object_is_refused(refused: Caller, body: bytes):
    answer = refused.post(
        "/api/clients", content=body, headers={"content-type": "application/json"}
    )

    assert problem(answer)[0] == 422


def test_a_body_of_another_type_is_refused_with_the_right_one_named(refused: Caller):
    answer = refused.post("/api/clients", data={"name": "Ana"})

    assert problem(answer) == (415, "not_json")
    assert "application/json" in answer.json()["detail"]


def test_a_body_beyond_all_measure_is_refused(refused: Caller):
    def endless():
        for _ in range(MOST_BODY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    told = {"content-type": "application/json"}
    answers = [
        refused.post("/api/clients", content=body, headers=told)
        for body in (b" " * (MOST_BODY_BYTES + 1), endless())
    ]

    assert [problem(answer) for answer in answers] == [(413, "too_large")] * 2


def test_a_busy_database_means_try_again(api: Caller, store: Store, monkeypatch):
    monkeypatch.setattr(store.engine.pool, "_timeout", 0.01)
    monkeypatch.setattr(store.engine.pool, "_max_overflow", 0)
    with store.transaction(), store.transaction(), store.transaction(), store.transaction():
        answer = api.get("/api/clients")

    assert problem(answer) == (503, "try_later")
    assert int(answer.headers["retry-after"]) >= 1


def test_our_own_bug_is_told_by_its_number_and_nothing_else(api: Caller, store: Store):
    with store.transaction() as books:
        books.run("ALTER TABLE clients RENAME COLUMN city TO town")

    with capture_logs() as logged:
        answer = api.get("/api/clients")

    assert problem(answer) == (500, "internal_error")
    assert "city" not in answer.text
    assert "Traceback" not in answer.text
    (line,) = [line for line in logged if line["event"] == "request_failed"]
    assert line["error_id"] in answer.json()["detail"]
    assert line["exc_info"]


def test_what_is_answered_is_not_cached(refused: Caller):
    for path in ("/api/clients", "/api/clients/x"):
        assert refused.get(path).headers["cache-control"] == "no-store"
