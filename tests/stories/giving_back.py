"""Payments that came through gateways, whose money a client asks us to give back."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from cli.simulation.pretence import Pretence
from domain.ids import Kind, public
from tests.desk import Desk
from tests.stories import pretend
from tests.stories.payers import Payers
from tests.stories.places import Places
from tests.stories.plant import Plant
from tests.stories.refund_points import Seen

TOKEN = "the story's own"
IN_LEI = ("netopia", "mobilpay")

_QUEUES = {"network": "network,reminders", "money": "money,sweep"}
_ASKED = {"amount": "10.00", "reason": "goods came back"}


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment over 24.20 that came through a gateway, and is known by this name there."""

    id: int
    gateway: str
    reference: str


@dataclass(slots=True)
class Story:
    """An installation that gives money back, and is killed meanwhile.

    `known` is how many words of each payment are kept before anybody asks for it back.
    """

    plant: Plant
    desk: Desk
    payers: Payers
    places: Places
    settings: dict[str, str]
    known: Counter[str] = field(default_factory=Counter)

    def start(self, name: str, number: int) -> None:
        """One that tells the database its name and number; they are never used twice."""
        web = f"http://127.0.0.1:{self.plant.port}"
        own = {**self.settings, "BASE_URL": web, "PGAPPNAME": f"{name}-{number}"}
        if name == "web":
            self.plant.start_web(part="all", **own)
            self.plant.wait_for(self.plant.is_web_ready, "the web")
        elif name == "beat":
            self.plant.start_beat()
        else:
            self.plant.start_worker(name, _QUEUES[name], **own)

    def pay(self, gateway: str, count: int) -> list[Paid]:
        """So many bills are paid there, and all is booked."""
        sandbox, before = self.places.sandbox, {each.id for each in self.desk.payments()}
        with httpx.Client(trust_env=False, timeout=60, follow_redirects=True) as browser:
            page = Pretence(gateway, gateway, sandbox.url, browser)
            for _ in range(count):
                bill = self.payers.bill("RON" if gateway in IN_LEI else "EUR")
                page.pay(f"http://127.0.0.1:{self.plant.port}{bill.path}", None)
        self.plant.wait_for(self.is_level, "the payments", 90)
        paid = [each for each in self.desk.payments() if each.id not in before]
        assert [each.gateway for each in paid] == [gateway] * count
        return [Paid(each.id, gateway, str(each.gateway_reference)) for each in paid]

    def ask_back(self, paid: Paid) -> dict[str, Any]:
        """What the API answers to the client, who has one key for each payment."""
        path = f"payments/{public(Kind.PAYMENT, paid.id)}/refund"
        return dict(self._post(path, _ASKED, f"refund-{paid.reference}").json())

    def say(self, paid: Paid, word: str) -> None:
        """A person who looked at the gateway says whether it `went`, or that it is to `end`."""
        path = f"refunds/{self.ask_back(paid)['id']}/{word}"
        self._post(path, {"reason": "their panel shows it"}, f"{word}-{paid.reference}")

    def is_there(self, paid: Paid) -> Seen:
        ((refunds, state, errand, words, facts),) = self.desk.query(
            f"""
            SELECT (SELECT count(*) FROM refunds WHERE payment_id = {paid.id}),
                   coalesce((SELECT max(state) FROM refunds WHERE payment_id = {paid.id}), ''),
                   coalesce((SELECT max(o.state) FROM outbox o
                             JOIN refunds r ON o.subject = 'refund:' || r.id
                             WHERE r.payment_id = {paid.id}), ''),
                   (SELECT count(*) FROM inbox WHERE {_words(paid)}),
                   (SELECT count(*) FROM facts WHERE reference = '{paid.reference}'
                    AND move = 'out')
            """
        )
        assert refunds <= 1
        gone = [
            row
            for row in self.places.sandbox.rows(paid.gateway)
            if row.move == "out" and row.reference == paid.reference
        ]
        return Seen(state, errand, len(gone), words > self.known[paid.reference], facts)

    def is_level(self) -> bool:
        """Whether nothing is left to do; what rests until a later look is looked at now."""
        self.desk.query(
            "UPDATE outbox SET due_at = now() WHERE effect = 'lookup' AND state = 'waiting'"
            " AND due_at > now() RETURNING id"
        )
        return pretend.is_level(self.desk, self.places.sandbox)

    def is_idle(self) -> bool:
        """The same, whatever the gateways say."""
        self.is_level()
        return pretend.is_idle(self.desk)

    def remember(self, paid: Paid) -> None:
        """Counts the words of it, before anybody asks for it back."""
        ((self.known[paid.reference],),) = self.desk.query(
            f"SELECT count(*) FROM inbox WHERE {_words(paid)}"
        )

    def leased(self, paid: Paid) -> list[int]:
        """The errands about it that are in somebody's hands, the dead's or not."""
        return [id_ for (id_,) in self.desk.query(_LEASED.format(id=paid.id, name=paid.reference))]

    def end_leases(self, paid: Paid) -> None:
        """Ends those that only the dead had: what is left of their minute would be waited for."""
        ids = ", ".join(map(str, self.leased(paid)))
        assert ids
        self.desk.query(
            "UPDATE outbox SET lease_until = least(lease_until, now() - interval '1 s')"
            f" WHERE state = 'claimed' AND id IN ({ids}) RETURNING id"
        )

    def _post(self, path: str, told: dict[str, str], key: str) -> httpx.Response:
        answer = httpx.post(
            f"http://127.0.0.1:{self.plant.port}/api/{path}",
            json=told,
            headers={"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key},
            timeout=60,
        )
        assert answer.status_code in (200, 202), answer.text
        return answer


_LEASED = """
SELECT o.id FROM outbox o WHERE o.state = 'claimed' AND (
    o.subject IN (SELECT 'refund:' || id FROM refunds WHERE payment_id = {id})
    OR (o.effect = 'lookup' AND position('{name}' IN o.subject) > 0))
"""


def _words(paid: Paid) -> str:
    """What is kept of it; MobilPay's notices are sealed, and kept so: there it is all of them."""
    named = f"position('{paid.reference}' IN convert_from(raw, 'UTF8')) > 0"
    return f"({named} OR gateway = 'mobilpay')" if paid.gateway == "mobilpay" else named
