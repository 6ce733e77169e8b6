"""Rows 84-91: what strangers, customers and machines may try at a hosted link."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from urllib.parse import quote

import httpx

from domain import links
from domain.ids import Kind, public
from domain.invoices import Standing
from ledger.links import granting
from ledger.links.granting import Target
from tests.builders import a_report, ron
from tests.web.conftest import NOW
from tests.web.paying import Site, buttons, said
from web.pay.app import MOST_WRONG_PER_MINUTE

NOTHING: frozenset[str] = frozenset()
BEGUN = frozenset({"attempts", "attempt_invoices"})

Play = Callable[["Scene"], Sequence[httpx.Response]]
Check = Callable[["Scene", Sequence[httpx.Response]], object]


@dataclass
class Scene:
    """A link of its own to an open invoice over 121 RON, and a browser at a fresh door."""

    site: Site

    @cached_property
    def client_id(self) -> int:
        return self.site.desk.client()

    @cached_property
    def invoice(self) -> Standing:
        return self.site.desk.invoice(self.client_id)

    @cached_property
    def path(self) -> str:
        return self.site.link(self.invoice)

    @cached_property
    def foreign(self) -> str:
        """The id of another client's invoice, over 1.21 RON."""
        return str(public(Kind.INVOICE, self.site.desk.invoice(self.site.desk.client(), "1").id))

    @property
    def token(self) -> str:
        return self.path.removeprefix("/pay/")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.site.browser.get(path, headers=headers)

    def orders(self) -> list[Mapping[str, str]]:
        return [order.form for order in self.site.account.orders]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRow:
    """One case under its row's number: what is tried, what is told, which tables may change.

    `prepare` comes before the first look at the tables. `check` asserts what else must hold.
    """

    number: int
    name: str
    play: Play
    answers: Mapping[int, int]
    changes: frozenset[str] = NOTHING
    prepare: Callable[[Scene], object] = field(default=lambda scene: scene.path)
    check: Check = field(default=lambda _, __: None)

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


def _nobodys(name: str, make: Callable[[Scene], str]) -> PayRow:
    """A token that nobody was given: one answer to all of them, wherever it is tried."""

    def play(scene: Scene) -> list[httpx.Response]:
        path = f"/pay/{make(scene)}"
        return [scene.get(path), scene.get(f"{path}/return"), scene.site.click(path)]

    def check(_: Scene, answers: Sequence[httpx.Response]) -> None:
        assert len({answer.text for answer in answers}) == 1
        assert buttons(answers[0].text) == []

    return PayRow(number=84, name=name, play=play, answers={404: 3}, check=check)


def _changed(token: str, place: int) -> str:
    other = "A" if token[place] != "A" else "B"
    return f"{token[:place]}{other}{token[place + 1 :]}"


def _floods(scene: Scene) -> list[httpx.Response]:
    wrong = [scene.get(f"/pay/{n}") for n in range(MOST_WRONG_PER_MINUTE + 40)]
    return [*wrong, scene.get(scene.path)]


def _is_slowed(_: Scene, answers: Sequence[httpx.Response]) -> None:
    """A minute may end meanwhile: then some more are told 404 before the door is shut again."""
    *wrong, genuine = answers
    assert genuine.status_code == 200
    assert [answer.status_code for answer in wrong][-1] in (404, 429)
    assert sum(answer.status_code == 429 for answer in wrong) >= 10


def _revoke(scene: Scene) -> None:
    assert scene.path
    with scene.site.store.transaction() as books:
        target = Target(scene.client_id, scene.invoice.id)
        assert granting.revoke(books, target, "test", NOW)


def _expire(scene: Scene) -> None:
    assert scene.path
    scene.site.desk.query(
        f"UPDATE pay_links SET expires_at = '{NOW - timedelta(seconds=1)}'"
        f" WHERE invoice_id = {scene.invoice.id} RETURNING 1"
    )


def _pay(scene: Scene) -> None:
    assert scene.path
    report = a_report(
        ron("121"), reference=f"pi_{scene.invoice.number}", meant_for=scene.invoice.number
    )
    scene.site.desk.deliver([report])
    scene.site.desk.settle()
    assert not scene.site.desk.standing(scene.invoice.id).is_open


def _over(name: str, prepare: Callable[[Scene], object], statuses: Mapping[int, int]) -> PayRow:
    """A link that leads to no payment any more, though its token is right."""

    def play(scene: Scene) -> list[httpx.Response]:
        path = scene.path
        return [scene.get(path), scene.get(f"{path}/return"), scene.site.click(path)]

    def check(scene: Scene, answers: Sequence[httpx.Response]) -> None:
        shown = [answer for answer in answers if answer.status_code != 303]
        assert {said(answer.text) for answer in shown} == {name}
        assert all(buttons(answer.text) == [] for answer in shown)
        assert scene.orders() == []

    return PayRow(number=85, name=name, prepare=prepare, play=play, answers=statuses, check=check)


def _formed(name: str, make: Callable[[Scene], Mapping[str, object]]) -> PayRow:
    """A form with more to say than a customer has: what is ours to know stays ours."""

    def check(scene: Scene, answers: Sequence[httpx.Response]) -> None:
        (form,) = scene.orders()
        assert form["line_items[0][price_data][unit_amount]"] == "12100"
        assert form["line_items[0][price_data][currency]"] == "ron"
        assert form["metadata[invoice_id]"] == scene.invoice.number
        assert form["success_url"].startswith(scene.site.hosted.base_url + scene.path)
        assert answers[0].headers["location"].startswith(scene.site.account.url)

    return PayRow(
        number=86,
        name=name,
        prepare=lambda scene: (scene.path, scene.foreign),
        play=lambda scene: [scene.site.click(scene.path, **make(scene))],
        answers={303: 1},
        changes=BEGUN,
        check=check,
    )


def _clicks_of_many(scene: Scene) -> list[httpx.Response]:
    with ThreadPoolExecutor(20) as hands:
        return list(hands.map(lambda _: scene.site.click(scene.path), range(20)))


def _is_one_session(scene: Scene, answers: Sequence[httpx.Response]) -> None:
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(scene.site.account.sessions) == 1
    assert len({order.key for order in scene.site.account.orders}) == 1


def _returned(name: str, asked: str) -> PayRow:
    """Whoever comes back proves nothing, and is led nowhere."""

    def play(scene: Scene) -> list[httpx.Response]:
        return [scene.get(f"{scene.path}{place}?{asked}") for place in ("", "/return")]

    def check(scene: Scene, answers: Sequence[httpx.Response]) -> None:
        page, back = answers
        assert (said(page.text), said(back.text)) == (None, "processing")
        assert all("location" not in answer.headers for answer in answers)
        assert all("evil" not in answer.text for answer in answers)
        assert scene.site.desk.standing(scene.invoice.id).is_open

    return PayRow(
        number=88,
        name=name,
        prepare=lambda scene: scene.site.pressed(scene.path),
        play=play,
        answers={200: 2},
        check=check,
    )


def _everywhere(scene: Scene) -> list[httpx.Response]:
    """One answer of every kind that there is; the click that leads on is the last one."""
    path = scene.path
    return [
        scene.get(path),
        scene.get(f"{path}?lang=en"),
        scene.get(f"{path}/return"),
        scene.get("/pay/nobody"),
        scene.site.click(path, gateway="nobody"),
        scene.site.browser.post(path, content=b"x" * 20_000),
        scene.site.click(path),
    ]


_EVERYWHERE = {200: 3, 404: 1, 409: 1, 413: 1, 303: 1}


def _leaks_nowhere(scene: Scene, answers: Sequence[httpx.Response]) -> None:
    for answer in answers:
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert not any(sign in answer.text for sign in ("<script", "src=", "url(", "@import"))
        outside = answer.text.replace(scene.site.hosted.base_url, "")
        assert "//" not in outside.replace("<!doctype html>", "")


def _is_in_no_frame_and_no_cache(_: Scene, answers: Sequence[httpx.Response]) -> None:
    for answer in answers:
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]


_HTML = """</p><script>alert(1)</script><img src=x onerror="alert('1')">"""


def _is_escaped(scene: Scene, answers: Sequence[httpx.Response]) -> None:
    for answer in answers:
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    scene.site.desk.query("UPDATE seller SET name = 'Demo SRL', ibans = '{}' RETURNING 1")


def _with_html(scene: Scene) -> None:
    told = _HTML.replace("'", "''")
    scene.site.desk.query(f"UPDATE seller SET name = '{told}', ibans = ARRAY['{told}'] RETURNING 1")
    scene.site.desk.query(
        f"UPDATE invoices SET number = '{told}' || id WHERE id = {scene.invoice.id} RETURNING 1"
    )
    assert scene.path


def _crawled(scene: Scene) -> list[httpx.Response]:
    """Mail scanners and previews look at every address in a letter, with whatever they have."""
    agents = ("BarracudaCentral", "Slackbot-LinkExpanding 1.0", "Mozilla/5.0", "")
    looks = [scene.get(scene.path, **{"user-agent": agent}) for agent in agents]
    looks += [scene.get(f"{scene.path}/return", purpose="prefetch")]
    return [*looks, scene.site.browser.head(scene.path)]


def _other_methods(scene: Scene) -> Iterator[httpx.Response]:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        yield scene.site.browser.request(method, scene.path)
    yield scene.site.browser.post(f"{scene.path}/return")


ROWS = (
    _nobodys("guessed", lambda _: links.token(b"some other secret", 1, 1)),
    _nobodys("first sign changed", lambda scene: _changed(scene.token, 0)),
    _nobodys("a middle sign changed", lambda scene: _changed(scene.token, 21)),
    _nobodys("last sign changed", lambda scene: _changed(scene.token, 42)),
    _nobodys("truncated", lambda scene: scene.token[:-1]),
    _nobodys("lengthened", lambda scene: f"{scene.token}A"),
    _nobodys("padded", lambda scene: f"{scene.token}="),
    _nobodys("upper-cased", lambda scene: scene.token.upper()),
    _nobodys("lower-cased", lambda scene: scene.token.lower()),
    _nobodys("of the next version", lambda s: links.token(s.site.hosted.secret, 1, 99)),
    _nobodys("a link's number", lambda _: "1"),
    _nobodys("the stored hash", lambda scene: links.fingerprint(scene.token).hex()),
    _nobodys("with a NUL", lambda scene: f"{scene.token}%00"),
    _nobodys("with a line end", lambda scene: f"{scene.token}%0D%0A"),
    _nobodys("beyond ASCII", lambda _: quote("ț" * 43)),
    _nobodys("no UTF-8", lambda _: "%ff%fe"),
    _nobodys("SQL", lambda _: quote("' OR 1=1 --")),
    _nobodys("8 kB", lambda _: "A" * 8_000),
    PayRow(
        number=84,
        name="guessed again and again",
        play=_floods,
        answers={},
        check=_is_slowed,
    ),
    _over("expired", _expire, {410: 3}),
    _over("revoked", _revoke, {410: 3}),
    _over("paid", _pay, {200: 2, 303: 1}),
    _over("closed", lambda s: (s.path, s.site.desk.void(s.invoice.id)), {200: 2, 303: 1}),
    _formed("another amount", lambda _: {"amount": "0.01"}),
    _formed("an amount below zero", lambda _: {"amount": "-121.00"}),
    _formed("two amounts", lambda _: {"amount": ["1.00", "2.00"]}),
    _formed("the total", lambda _: {"total": "0.01", "unit_amount": "1", "open": "1"}),
    _formed("another currency", lambda _: {"currency": "JPY"}),
    _formed("no currency", lambda _: {"currency": "<b>"}),
    _formed("another client's invoice", lambda s: {"invoice": s.foreign, "choice": "1"}),
    _formed("an invoice that is none", lambda _: {"invoice": "' OR 1=1 --", "choice": "1"}),
    _formed("its own order id", lambda _: {"order_id": "X-1", "reference": "INV-0001"}),
    _formed("its own way back", lambda _: {"success_url": "https://evil.example"}),
    _formed("another address for the receipt", lambda _: {"email": "eve@evil.example"}),
    PayRow(
        number=87,
        name="twenty clicks at once",
        play=_clicks_of_many,
        answers={303: 20},
        changes=BEGUN,
        check=_is_one_session,
    ),
    _returned("paid, it says", "paid=1"),
    _returned("a success that nobody signed", "session_id=cs_test_1&redirect_status=succeeded"),
    _returned("PayPal's words", "token=5O190127TN364715T&PayerID=evil"),
    _returned("another way on", "next=https://evil.example&return_url=//evil.example"),
    _returned("another language", "lang=//evil.example"),
    PayRow(
        number=89,
        name="the token in referrers, and foreign content",
        play=_everywhere,
        answers=_EVERYWHERE,
        changes=BEGUN,
        check=_leaks_nowhere,
    ),
    PayRow(
        number=90,
        name="frames and caches",
        play=_everywhere,
        answers=_EVERYWHERE,
        changes=BEGUN,
        check=_is_in_no_frame_and_no_cache,
    ),
    PayRow(
        number=91,
        name="HTML in the seller's name, IBAN and invoice number",
        prepare=_with_html,
        play=lambda scene: [scene.get(scene.path), scene.get(f"{scene.path}/return?lang=en")],
        answers={200: 2},
        check=_is_escaped,
    ),
    PayRow(number=91, name="mail scanners", play=_crawled, answers={200: 6}),
    PayRow(
        number=91,
        name="other methods",
        play=lambda scene: list(_other_methods(scene)),
        answers={405: 5},
    ),
)
