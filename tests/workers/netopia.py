"""NETOPIA at our door: real notices over a socket, signed now, settled as a worker does."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from gateways.netopia import Netopia
from gateways.netopia_api import NetopiaApi
from gateways.port import Gateway
from ledger.store import Store
from runtime import clock
from tests.desk import Desk
from tests.gateways.deliveries import netopia_body
from tests.netopia_seal import POS, a_pen
from tests.serving import serving
from tests.webhooks.knocking import a_celery
from tests.workers.test_events import settle_all
from webhooks.app import Webhooks
from workers import lookups

OK = b'{"errorType":0,"errorCode":0,"errorMessage":""}'
ACCOUNT = f"{POS}/test"


def a_netopia(url: str | None = None, key: str = "api-key") -> Netopia:
    """A point of sale; with an address it can be asked there."""
    api = NetopiaApi(url, key, POS, "https://pay.example/webhooks/netopia") if url else None
    return Netopia(POS, a_pen().pem, is_live=False, api=api)


def notice(order_id: str, status: int = 3, ntp_id: str = "1309088", **payment: Any) -> bytes:
    """What NETOPIA says of a payment over 121 lei."""
    told = {"status": status, "ntpID": ntp_id, "amount": 121.0, **payment}
    return netopia_body(told, order={"orderID": order_id, "data": {}})


@dataclass(frozen=True)
class Post:
    """The way of a notice into our books."""

    desk: Desk
    door: str
    gateways: Mapping[str, Gateway]

    def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Sends a notice as NETOPIA does: what it calls the content is anybody's guess."""
        token = {"Verification-token": a_pen().token(body, at=clock.now())}
        with httpx.Client(trust_env=False, timeout=20) as client:
            address = f"{self.door}/webhooks/netopia"
            return client.post(address, content=body, headers={**token, **headers})

    def bring(self, *bodies: bytes) -> None:
        """Sends each, and settles after it."""
        for body in bodies:
            answer = self.send(body)
            assert (answer.status_code, answer.content) == (200, OK)
            self.work()

    def work(self) -> None:
        """Settles and asks until nothing is left to do now."""
        kept: list[int] = []
        for _ in range(3):
            settle_all(self.desk.store, self.gateways)
            while lookups.look_up_next(self.desk.store, self.gateways, kept):
                pass
        settle_all(self.desk.store, self.gateways)

    def events(self) -> list[tuple[str, str, str]]:
        return self.desk.query("SELECT source, kind, state FROM inbox ORDER BY id")

    def attempt(self, invoice_id: int, order_id: str, session: str | None = None) -> None:
        """An attempt over the whole invoice whose page was opened, as a click makes it."""
        asked = self.desk.standing(invoice_id)
        with self.desk.store.transaction() as books:
            books.run(
                """
                WITH made AS (
                    INSERT INTO attempts (invoice_id, gateway, account, order_id, currency,
                                          amount_minor, session, expires_at)
                    VALUES (:invoice, 'netopia', :account, :order_id, :currency, :asked, :session,
                            now() + interval '2 hours')
                    RETURNING id)
                INSERT INTO attempt_invoices (attempt_id, position, invoice_id)
                SELECT id, 0, :invoice FROM made
                """,
                invoice=invoice_id,
                account=ACCOUNT,
                order_id=order_id,
                session=session,
                currency=asked.currency,
                asked=asked.open_minor,
            )

    def attempts(self) -> list[str]:
        found = self.desk.query("SELECT state FROM attempts ORDER BY id")
        return [state for (state,) in found]


@contextmanager
def opened(store: Store, dsn: str, gateway: Gateway) -> Iterator[Post]:
    """The door with NETOPIA behind it, over this database."""
    app = Webhooks({gateway.name: gateway}, dsn, a_celery("redis+socket:///nowhere/redis.sock"))
    with serving(app) as address:
        yield Post(Desk(store), address, {gateway.name: gateway})


def resent(body: bytes) -> bytes:
    """The same notice in other bytes."""
    return json.dumps(json.loads(body), indent=3).encode()
