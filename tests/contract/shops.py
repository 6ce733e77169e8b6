"""Our side of the contract: books, the door, the pages, and workers who go on until all is done."""

import html as markup
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

import httpx

from domain.invoices import Standing
from domain.money import Money, decimal_text
from gateways.capabilities import Verb
from gateways.port import Form, Gateway
from ledger.books import seller
from ledger.links import granting
from ledger.links.granting import Target, Terms
from ledger.store import Store
from runtime import clock
from runtime.hosted import Hosted
from tests.builders import ZONE
from tests.contract.far_side import FarSide, Moved, Sums
from tests.desk import SELLER, Desk
from tests.hostile.house import NOWHERE
from tests.sandbox.listening import Taken
from tests.serving import serving
from tests.web.conftest import SECRET_KEY
from tests.webhooks.knocking import a_celery
from tests.workers.test_events import settle_all
from web.app import over
from webhooks.app import Webhooks
from workers import captures, closings, lookups

# What a door adds itself, or a client.
_OF_THE_WIRE = ("host", "content-length", "connection", "accept-encoding", "transfer-encoding")

_ROWS = """
    SELECT concat_ws(' ', 'fact', move, status, class, currency, amount_minor) FROM facts
    UNION ALL
    SELECT concat_ws(' ', 'payment', state, currency, amount_minor, unapplied_minor,
                     unidentified_minor, returned_minor) FROM payments
    UNION ALL
    SELECT concat_ws(' ', 'invoice', state, currency, paid_minor, is_open) FROM invoices
    UNION ALL
    SELECT concat_ws(' ', 'attempt', state) FROM attempts
    UNION ALL
    SELECT concat_ws(' ', 'attention', kind, split_part(subject, ':', 1)) FROM attention
    WHERE resolved_at IS NULL
"""
_BALANCES = """
    SELECT account, currency, sum(amount) FROM (
        SELECT source AS account, currency, -amount_minor AS amount FROM postings
        UNION ALL SELECT destination, currency, amount_minor FROM postings
    ) AS moved GROUP BY account, currency
"""
_FORM = re.compile(r'<form method="post" action="([^"]+)">')
_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
# What MobilPay and NETOPIA take for "not taken", whatever the status.
_COMPLAINT = re.compile(r'error_type=|"errorType": ?[12]')
_MOST_PAUSES = 10
_PUT_OFF = "UPDATE outbox SET due_at = clock_timestamp() WHERE state = 'waiting' RETURNING id"
_WAITING = "SELECT kind, state, reason FROM inbox WHERE state NOT IN ('done', 'ignored')"


@dataclass(slots=True)
class Shop:
    """A seller who is paid through one gateway; `door` and `site` are addresses."""

    store: Store
    far: FarSide
    door: str
    site: str
    hosted: Hosted
    browser: httpx.Client

    @property
    def desk(self) -> Desk:
        return Desk(self.store)

    @property
    def gateways(self) -> Mapping[str, Gateway]:
        return {self.far.gateway.name: self.far.gateway}

    def bill(self, price: str = "100", currency: str | None = None) -> Standing:
        """An issued invoice over the price and 21 % VAT."""
        return self.desk.invoice(self.desk.client(), price, currency or self.far.currency)

    def link(self, invoice: Standing) -> str:
        """The address of the invoice's own page."""
        target = Target(invoice.client_id, invoice.id)
        with self.store.transaction() as books:
            secret, now = self.hosted.secret, clock.now()
            token = granting.grant(books, target, Terms(), secret, "test", now).token
        return f"{self.site}{urlsplit(self.hosted.address(token)).path}"

    def page(self, invoice: Standing) -> str:
        """Where the customer is sent when he clicks at the gateway's button."""
        return self.click(self.link(invoice))

    def click(self, link: str) -> str:
        """Where the click leads: to the gateway's page, or through a form of ours on to that."""
        answer = self.browser.post(link, data={"gateway": self.far.gateway.name})
        assert answer.status_code == 303, answer.text
        url = str(answer.headers["location"])
        has_form = self.far.gateway.capabilities.can(Verb.FORM)
        return self.lead(self.form(url)) if has_form else url

    def form(self, url: str) -> Form:
        """What the page of ours at this address brings to the gateway."""
        ours = urlsplit(url)
        html = self.browser.get(f"{self.site}{ours.path}?{ours.query}").text
        action = _FORM.search(html)
        assert action is not None, html
        fields = {name: markup.unescape(text) for name, text in _FIELD.findall(html)}
        return Form(markup.unescape(action[1]), fields)

    def lead(self, form: Form) -> str:
        """Where the gateway leads the browser that brings it this form."""
        answer = self.browser.post(form.url, data=form.fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def take(self, deliveries: Iterable[Taken]) -> int:
        """They come to the door, one after another; how many, each of them acknowledged."""
        count = 0
        for each in deliveries:
            headers = [(k, v) for k, v in each.headers.items() if k not in _OF_THE_WIRE]
            answer = self.browser.post(
                f"{self.door}{each.path}", content=each.body, headers=headers
            )
            is_taken = answer.status_code == 200 and not _COMPLAINT.search(answer.text)
            assert is_taken, f"{each.kind}: {answer.text}"
            count += 1
        return count

    def work(self) -> None:
        """The workers do all that can be done now."""
        kept: list[int] = []
        found = True
        while found:
            settle_all(self.store, self.gateways)
            found = False
            for act in (captures.capture_next, lookups.look_up_next):
                while act(self.store, self.gateways, kept):
                    found = True
            while closings.close_next(self.store, self.gateways):
                found = True

    def catch_up(self) -> None:
        """Time passes, and the workers do what was put off, until nothing is."""
        self.work()
        for _ in range(_MOST_PAUSES):
            if not self.desk.query(_PUT_OFF):
                return
            self.work()
        raise AssertionError(self.desk.query("SELECT * FROM outbox WHERE state = 'waiting'"))

    def hear(self) -> list[Taken]:
        """What the gateway tells comes in, and is worked on, until it has no more to tell."""
        heard: list[Taken] = []
        while new := self.far.sent():
            heard += new
            self.take(new)
            self.catch_up()
        return heard

    def books(self) -> Counter[str]:
        """What the books say, whoever it is about; two of these can be taken from each other.

        Counted rows of facts, payments, invoices, attempts and attention, and the accounts'
        balances.
        """
        told = Counter(row for (row,) in self.desk.query(_ROWS))
        for account, currency, minor in self.desk.query(_BALANCES):
            told[f"balance {account} {currency}"] = int(minor)
        return told

    def booked(self) -> Sums:
        """The money of our facts, summed up as the gateway's ledger is."""
        sums: Sums = defaultdict(Decimal)
        for reference, move, currency, minor in self.desk.query(
            "SELECT reference, move, currency, amount_minor FROM facts WHERE status = 'succeeded'"
        ):
            side = "fees" if move in ("fee", "rebate") else "money"
            sign = -1 if move in ("out", "rebate") else 1
            amount = sign * Decimal(decimal_text(Money(currency, minor)))
            sums[Moved(reference, currency, side)] += amount
        return dict(sums)

    def attention(self) -> set[str]:
        """The kinds that are open."""
        return {kind for kind, _ in self.desk.attention()}

    def assert_level(self) -> None:
        """The audit finds nothing, nothing waits, and the two ledgers agree to the cent."""
        assert self.desk.differences() == []
        assert self.desk.query(_WAITING) == []
        assert self.booked() == self._ledger()

    def _ledger(self) -> Sums:
        table = self.far.gateway.capabilities
        sides = {"money"} | ({"fees"} if table.tells_fees else set())
        told = self.far.ledger()
        assert not table.tells_refunds or all(key.side != "untold" for key in told)
        return {key: sum_ for key, sum_ in told.items() if key.side in sides}


@contextmanager
def opened(dsn: str, far: FarSide) -> Iterator[Shop]:
    """The door and the pages on real ports, over a database of their own."""
    gateways = {far.gateway.name: far.gateway}
    hosted = Hosted(gateways, SECRET_KEY, "http://127.0.0.1:1")
    store = Store(dsn)
    try:
        with store.transaction() as books:
            seller.put(books, SELLER)
        with (
            serving(Webhooks(gateways, dsn, a_celery(NOWHERE))) as door,
            serving(over(store, ZONE, clock.now, hosted)) as site,
            httpx.Client(trust_env=False, timeout=30) as browser,
        ):
            yield Shop(store, far, door, site, hosted, browser)
    finally:
        store.close()
