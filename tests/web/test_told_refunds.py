"""A person's word about refunds over HTTP: which lost one went, what the panel gave back."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from domain.ids import Kind, public
from ledger.books import refunding
from ledger.books.refunding import Asked
from ledger.settlement import refunds
from ledger.store import Store
from runtime import clock
from tests.desk import WORD, Desk
from tests.web.conftest import TOKEN, Caller, calling
from tests.workers.netopia import ACCOUNT, a_netopia, notice, opened

WHY = {"reason": "NETOPIA's panel shows it"}


@pytest.fixture
def api(store: Store, fresh_dsn: str, desk: Desk) -> Iterator[Caller]:
    """A payment at NETOPIA of which its panel gave back nobody knows how much, as event 2 tells."""
    netopia = a_netopia("http://127.0.0.1:9")
    with opened(store, fresh_dsn, netopia) as post:
        invoice = desk.invoice(desk.open())
        post.attempt(invoice.id, f"{invoice.number}-1")
        for status in (3, 8):
            post.send(notice(f"{invoice.number}-1", status))
        post.work()
    with calling(store, {"netopia": netopia}) as caller:
        caller.headers["Authorization"] = f"Bearer {TOKEN}"
        yield caller


@pytest.fixture
def payment(api: Caller, desk: Desk) -> str:
    return str(public(Kind.PAYMENT, desk.payments()[0].id))


@pytest.fixture
def lost(payment: str, desk: Desk) -> str:
    """A refund over 21 lei of which nobody knows whether it went."""
    asked = Asked([("netopia", ACCOUNT)], Decimal("21.00"))
    begun = desk.store.act(lambda books: refunding.begin(books, 1, WORD, clock.now(), asked))
    with desk.store.transaction() as books:
        claimed = refunds.claim(books, clock.now())
        assert claimed is not None
        assert refunds.lose(books, claimed, "silence")
    return str(public(Kind.REFUND, begun.id))


def gone(desk: Desk) -> tuple[int, int]:
    ((returned, reserved),) = desk.query("SELECT returned_minor, reserved_minor FROM payments")
    return returned, reserved


@pytest.mark.parametrize("key", [None, "k1"])
def test_a_lost_refund_went_by_a_persons_word(api: Caller, lost: str, desk: Desk, key: str | None):
    headers = {"Idempotency-Key": key} if key else {}
    answers = [api.post(f"/api/refunds/{lost}/went", json=WHY, headers=headers) for _ in range(2)]

    assert (answers[0].status_code, answers[0].json()["state"]) == (200, "DONE")
    assert answers[1].status_code == (200 if key else 409)
    assert gone(desk) == (2_100, 0)
    assert desk.differences() == []


def test_what_the_panel_gave_back_is_booked_once(api: Caller, payment: str, desk: Desk):
    said = WHY | {"amount": "21.00", "event": 2}
    answers = [api.post(f"/api/payments/{payment}/returned", json=said) for _ in range(3)]

    assert [(each.status_code, each.content) for each in answers] == [(200, b"")] * 3
    assert gone(desk) == (2_100, 0)
    assert [kind for kind, _ in desk.attention()] == ["refunded"]
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"amount": "121.01"}, 409, "beyond_refundable"),
        ({"amount": "0"}, 422, "malformed_request"),
        ({"amount": "-1"}, 422, "malformed_request"),
        ({"amount": None}, 422, "malformed_request"),
        ({"event": 1}, 404, "unknown_event"),
        ({"event": 2**63 - 1}, 404, "unknown_event"),
        ({"event": 2**63}, 422, "malformed_request"),
        ({"event": 0}, 422, "malformed_request"),
        ({"reason": ""}, 422, "malformed_request"),
        ({"more": 1}, 422, "malformed_request"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    api: Caller, payment: str, desk: Desk, said: dict[str, Any], status: int, code: str
):
    told = WHY | {"amount": "21.00", "event": 2} | said

    answer = api.post(f"/api/payments/{payment}/returned", json=told)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert gone(desk) == (0, 0)


def test_a_refund_that_is_not_lost_is_not_told(api: Caller, lost: str, desk: Desk):
    api.post(f"/api/refunds/{lost}/end", json=WHY)

    said = api.post(f"/api/refunds/{lost}/went", json=WHY)
    nothing = api.post(f"/api/refunds/{public(Kind.REFUND, 99)}/went", json=WHY)

    assert (said.status_code, said.json()["code"]) == (409, "not_unknown")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "unknown_refund")
    assert gone(desk) == (0, 0)
