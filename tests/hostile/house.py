"""The product as strangers meet it: doors on real ports, a worker, a look at every table."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_network
from itertools import count

from prometheus_client import REGISTRY

from domain.invoices import Standing
from gateways.netopia import Netopia
from gateways.paypal import PayPal
from gateways.paypal_certificates import Certificates
from gateways.port import Gateway
from gateways.stripe import Stripe
from ledger.inbox import waiting
from ledger.store import Store
from tests.desk import Desk
from tests.gateways.deliveries import SECRET
from tests.hostile import key_host, wire
from tests.hostile.key_host import KeyHost
from tests.hostile.wire import Answer
from tests.mobilpay_seal import a_mobilpay
from tests.netopia_seal import POS, a_pen
from tests.paypal_seal import WEBHOOK_ID, a_seal
from tests.serving import serving
from tests.webhooks.knocking import a_celery
from webhooks.app import Webhooks
from workers import events

NOWHERE = "redis+socket:///nowhere/redis.sock"
OLD_SECRET = "whsec_old_secret"
COUNTERS = ("accepted", "duplicates", "differing", "refused_signatures", "unreadable", "busy")

GATEWAYS: Mapping[str, Gateway] = {
    "test": Stripe("own", (SECRET,), is_live=False),
    "live": Stripe("own", (SECRET,), is_live=True),
    "rotating": Stripe("own", (OLD_SECRET, SECRET), is_live=False),
    "netopia": Netopia(POS, a_pen().pem, is_live=False),
    "mobilpay": a_mobilpay(),
    "mobilpay-bare": a_mobilpay(has_bare_address=True, has_rc4=True),
    "mobilpay-old": a_mobilpay(has_rc4=True),
}


@dataclass(frozen=True)
class House:
    """One database, and doors that are opened when somebody comes to them."""

    dsn: str
    store: Store
    desk: Desk
    rooms: ExitStack
    keys: KeyHost
    ports: dict[str, int] = field(default_factory=dict)
    scenes: "count[int]" = field(default_factory=lambda: count(1))

    @cached_property
    def paypal(self) -> PayPal:
        hosts = [self.keys.url]
        certificates = Certificates(is_live=False, hosts=hosts, roots=a_seal().root)
        return PayPal("own", WEBHOOK_ID, certificates, is_live=False)

    @cached_property
    def client_id(self) -> int:
        return self.desk.open()

    def port(self, door: str) -> int:
        """Where a door is; its name is that of a gateway and what else tells it apart."""
        if door not in self.ports:
            name = door.split(maxsplit=1)[0]
            gateway = self.paypal if name == "paypal" else GATEWAYS[name]
            proxies = [ip_network(wire.HERE)] if "behind a proxy" in door else []
            app = Webhooks({gateway.name: gateway}, self.dsn, a_celery(NOWHERE), proxies)
            address = self.rooms.enter_context(serving(app))
            self.ports[door] = int(address.rpartition(":")[2])
        return self.ports[door]

    def say(self, door: str, *pieces: bytes, source: str = wire.HERE) -> list[Answer]:
        return wire.say(self.port(door), *pieces, source=source)

    def settle(self) -> None:
        """Settles what waits, as a worker does."""
        named = ("test", "live", "netopia", "mobilpay-old")
        for gateway in (*(GATEWAYS[name] for name in named), self.paypal):
            gateways = {gateway.name: gateway}
            while events.settle_next(self.store, gateways, waiting.claim_fresh):
                pass

    def digests(self) -> dict[str, str]:
        return digests(self.desk)


def digests(desk: Desk) -> dict[str, str]:
    """Every table, and a digest of all its rows."""
    tables = desk.query(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )
    looks = (
        f"SELECT '{name}', md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), ''))"
        f" FROM {name} t"
        for (name,) in tables
    )
    return dict(desk.query(" UNION ALL ".join(looks)))


def counted() -> dict[str, int]:
    """What the doors of this process have counted."""
    return {
        name: sum(
            int(REGISTRY.get_sample_value(f"incasso_{name}_total", {"gateway": gateway}) or 0)
            for gateway in ("stripe", "paypal", "netopia", "mobilpay")
        )
        for name in COUNTERS
    }


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in before if after[name] != before[name]}


@dataclass(frozen=True)
class Scene:
    """What one row plays in: names of its own, and an open invoice over 242 RON."""

    house: House
    door: str
    tag: str

    @cached_property
    def invoice(self) -> Standing:
        return self.house.desk.invoice(self.house.client_id, "200")

    def attempt(self, gateway: str, account: str) -> str:
        """The order id of an attempt at the scene's invoice, stored as a click stores it."""
        name = f"{self.invoice.number}-1"
        with self.house.store.transaction() as books:
            books.run(
                "INSERT INTO attempts"
                " (invoice_id, gateway, account, order_id, currency, amount_minor)"
                " VALUES (:invoice, :gateway, :account, :order, 'RON', 24200)"
                " ON CONFLICT DO NOTHING",
                invoice=self.invoice.id,
                gateway=gateway,
                account=account,
                order=name,
            )
        return name

    def say(self, *pieces: bytes, source: str = wire.HERE) -> list[Answer]:
        return self.house.say(self.door, *pieces, source=source)


@contextmanager
def opened(dsn: str) -> Iterator[House]:
    store = Store(dsn)
    try:
        with ExitStack() as rooms, key_host.serving() as keys:
            yield House(dsn, store, Desk(store), rooms, keys)
    finally:
        store.close()
