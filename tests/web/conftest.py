"""The API of one test: its own database with a seller, and a caller who has a token."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from domain.ids import Kind, public
from gateways.port import Gateway
from ledger.access import tokens
from ledger.books import clients, seller
from ledger.store import Store
from runtime.hosted import Hosted
from tests.builders import ZONE, at
from tests.desk import SELLER, Desk
from tests.serving import serving
from tests.stores import Stores
from web.app import over

TOKEN = "inc_test_token"
SECRET_KEY = "a secret key that no test tells anybody"
CLIENT = str(public(Kind.CLIENT, 1))
NOW = at("2026-11-20T10:00")

Caller = httpx.Client


@pytest.fixture
def store(fresh_dsn: str) -> Iterator[Store]:
    with opened(fresh_dsn) as store:
        yield store


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def api(store: Store) -> Iterator[Caller]:
    """Somebody whose token is let in, over the database of this one test."""
    with calling(store) as caller:
        caller.headers["Authorization"] = f"Bearer {TOKEN}"
        yield caller


@pytest.fixture(scope="session")
def _refusing(stores: Stores, worker: str) -> Iterator[Caller]:
    with stores.clone(f"{worker}_web") as dsn, opened(dsn) as store, calling(store) as caller:
        with store.transaction() as books:
            clients.add(books, clients.NewClient("Ana SRL"))
        yield caller


@pytest.fixture
def stranger(_refusing: Caller) -> Caller:
    """Somebody without a token, over a database that many tests share."""
    _refusing.headers.pop("Authorization", None)
    return _refusing


@pytest.fixture
def refused(stranger: Caller) -> Iterator[Caller]:
    """Somebody whose token is let in, and who may change nothing: many tests share this database.

    It has one client, whose id is CLIENT.
    """
    stranger.headers["Authorization"] = f"Bearer {TOKEN}"
    before = [stranger.get(path).json() for path in ("/api/clients", "/api/invoices")]
    yield stranger
    stranger.headers["Authorization"] = f"Bearer {TOKEN}"
    assert before == [stranger.get(path).json() for path in ("/api/clients", "/api/invoices")]


@pytest.fixture
def client_id(api: Caller) -> str:
    return str(posted(api, "/api/clients", {"name": "Ana SRL"})["id"])


@contextmanager
def opened(dsn: str) -> Iterator[Store]:
    """A database with a seller, and a token that is let in."""
    store = Store(dsn)
    with store.transaction() as books:
        tokens.add(books, "tests", TOKEN)
        seller.put(books, SELLER)
    yield store
    store.close()


@contextmanager
def calling(
    store: Store, gateways: Mapping[str, Gateway] = MappingProxyType({})
) -> Iterator[Caller]:
    """Somebody who talks to the API over this database, without a token yet."""
    hosted = Hosted(gateways, SECRET_KEY, "https://pay.example")
    app = over(store, ZONE, lambda: NOW, hosted)
    with serving(app) as address, Caller(base_url=address) as caller:
        yield caller


def posted(api: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What was created."""
    answer = api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def a_draft(client_id: str, *, price: object = "100.00", **fields: object) -> dict[str, Any]:
    """An invoice as it is entered: one line at 21 % VAT."""
    line = {"description": "Servicii", "unitPrice": price, "vatRate": 21}
    return {"clientId": client_id, "lines": [line], **fields}
