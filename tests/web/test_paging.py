"""Lists page by page: every row once, and no cursor but ours."""

from base64 import urlsafe_b64encode

import pytest

from domain.ids import Kind, public
from tests.desk import Desk
from tests.web.conftest import Caller, posted
from tests.web.test_door import problem

LISTS = ["/api/clients", "/api/invoices", "/api/payments"]


def a_cursor(kind: Kind, number: int) -> str:
    return urlsafe_b64encode(public(kind, number).bytes).decode().rstrip("=")


def test_pages_follow_each_other_without_a_gap(api: Caller):
    ids = [posted(api, "/api/clients", {"name": f"Client {each}"})["id"] for each in range(7)]

    seen, cursor = [], None
    for size in (3, 3, 1):
        asked = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/clients", params=asked).json()
        assert len(page["data"]) == size
        seen += [client["id"] for client in page["data"]]
        cursor = page["next"]

    assert seen == ids
    assert cursor is None


def test_a_full_last_page_has_no_next(api: Caller):
    for each in range(2):
        posted(api, "/api/clients", {"name": f"Client {each}"})

    assert api.get("/api/clients", params={"limit": 2}).json()["next"] is None


def test_a_page_has_twenty_five_rows_unless_asked_otherwise(api: Caller, desk: Desk):
    for _ in range(26):
        desk.client()

    page = api.get("/api/clients").json()

    assert len(page["data"]) == 25
    assert page["next"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1.5", "１０", ""])
def test_a_limit_beyond_a_hundred_or_senseless_is_refused(refused: Caller, path: str, limit: str):
    assert problem(refused.get(path, params={"limit": limit})) == (422, "malformed_request")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "0",
        "25",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "a" * 21,
        "a" * 23,
        "é" * 22,
        "../../../../../../../..",
        "' OR 1=1 --' OR 1=1 --",
    ],
)
def test_a_cursor_we_never_gave_out_is_refused(refused: Caller, path: str, cursor: str):
    assert problem(refused.get(path, params={"cursor": cursor})) == (422, "malformed_cursor")


def test_a_cursor_of_another_list_is_refused(refused: Caller):
    answer = refused.get("/api/invoices", params={"cursor": a_cursor(Kind.CLIENT, 1)})

    assert problem(answer) == (422, "malformed_cursor")


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_filter_is_refused_not_passed_over(refused: Caller, path: str):
    assert problem(refused.get(path, params={"clinet": "1"})) == (422, "malformed_request")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/api/invoices", "client"), ("/api/payments", "client"), ("/api/payments", "invoice")],
)
def test_a_filter_by_no_id_is_refused(refused: Caller, path: str, name: str):
    assert problem(refused.get(path, params={name: "1"})) == (422, "malformed_request")
