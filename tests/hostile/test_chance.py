"""Whatever chance makes of headers and bodies: an answer, no forged row, clean books."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random, getrandbits
from typing import Any

import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Refused
from domain.facts import Reading, Report
from tests.gateways.deliveries import pretty, stripe_body, stripe_header
from tests.hostile.house import GATEWAYS, NOWHERE, House, opened
from tests.hostile.mutations import RECORDED, leaves, misled, torn, unstorable
from tests.webhooks.knocking import Answer, kept, knock, now, open_door

TEST = GATEWAYS["test"]
UNHURRIED = settings(
    deadline=None, max_examples=1_500, suppress_health_check=[HealthCheck.too_slow], database=None
)

_LENGTHS = st.sampled_from([b"", b"-1", b"0", b"2", b"9" * 40, b"1e3", b"262145"])
_NAMES = st.sampled_from(
    [b"stripe-signature", b"content-length", b"content-encoding", b"x-forwarded-for", b"expect"]
)
_SIGNATURES = st.builds(
    lambda t, scheme, value, more: b"t=%b,%b=%b%b" % (t, scheme, value, more),
    st.one_of(_LENGTHS, st.binary(max_size=12), st.just(b"now")),
    st.sampled_from([b"v1", b"v0", b"v1 ", b"V1", b""]),
    st.one_of(st.binary(max_size=70), st.just(b"0" * 64)),
    st.sampled_from([b"", b",", b",v1=", b",t=1", b",v1=" * 40, b"\x00", b"\xff"]),
)
_AMOUNTS = ("1", "4999", "24200", "24200", "24200", "10000000000000")
_HEADERS = st.lists(
    st.tuples(st.one_of(_NAMES, st.binary(max_size=20)), st.one_of(_SIGNATURES, _LENGTHS)),
    max_size=4,
)


def test_no_chance_opens_the_door(fresh_dsn: str):
    told: Counter[tuple[str, int]] = Counter()
    signed: set[str] = set()

    with _door(fresh_dsn) as stranger:

        @UNHURRIED
        @given(st.randoms(use_true_random=False), _HEADERS, st.sampled_from(sorted(_WAYS)))
        def knocks(random: Random, headers: list[tuple[bytes, bytes]], way: str) -> None:
            event = misled(_recorded(random), random, most=1)
            said, vouched = _WAYS[way](pretty(event), random)
            answer = stranger(*_parts(said, random), headers=[*vouched, *headers])

            told[way, answer.status] += 1
            assert answer.status in {200, 400, 413, 415, 429}
            if answer.status == 200:
                assert way == "signed"
                signed.add(event["id"])

        knocks()

    print(told)  # noqa: T201 - how often
    assert set(kept(fresh_dsn)) == signed
    assert told["signed", 200] > 60
    assert sum(number for (_, status), number in told.items() if status != 200) > 500


def test_whatever_is_signed_is_read_or_refused_and_no_amount_grows():
    found: Counter[str] = Counter()

    @UNHURRIED
    @given(st.randoms(use_true_random=False), st.booleans())
    def reads(random: Random, is_torn: bool) -> None:
        body = pretty(misled(_recorded(random), random))
        body = torn(body, random) if is_torn else body
        reading = _read(body)
        found[reading.code if isinstance(reading, Refused) else type(reading).__name__] += 1
        assert unstorable(reading) == []
        for told in reading if isinstance(reading, tuple) else ():
            if isinstance(told, Report):
                _assert_told(told, json.loads(body))

    reads()

    print(found)  # noqa: T201 - how often
    assert found["tuple"] > 150
    assert found["Ignored"] > 50
    assert found["malformed_event"] > 100
    assert found["malformed_amount"] + found["amount_out_of_range"] > 5


def test_whatever_is_signed_leaves_the_books_clean(fresh_dsn: str):
    random = Random(seed := getrandbits(32))
    print(f"seed={seed}")  # noqa: T201 - to run it again
    told: Counter[int] = Counter()
    amounts: set[tuple[str, int]] = set()
    with opened(fresh_dsn) as house, _door(fresh_dsn) as stripe:
        for price in ("200", "50", "1000"):
            house.desk.invoice(house.client_id, price)
        for _ in range(5):
            bodies = [pretty(_one_of_few(random)) for _ in range(150)]
            for body in bodies:
                answer = stripe(body, signature=stripe_header(body, at=now()))
                told[answer.status] += 1
                amounts |= _amounts(body) if answer.status == 200 else set()
            house.settle()
            assert house.desk.query("SELECT reason FROM tries") == []
            assert house.desk.differences() == []
        settled = house.digests()
        for body in bodies:
            stripe(body, signature=stripe_header(body, at=now()))
        house.settle()

        assert house.digests() == settled
        _assert_clean(house, told, amounts)


def _assert_clean(house: House, told: Counter[int], amounts: set[tuple[str, int]]) -> None:
    """Nothing waits, nothing was tried twice, and no payment has an amount that nobody told."""
    states = Counter(dict(house.desk.query("SELECT state, count(*) FROM inbox GROUP BY state")))
    kinds = Counter(dict(house.desk.query("SELECT kind, count(*) FROM postings GROUP BY kind")))
    print(told, states, kinds)  # noqa: T201 - how often
    assert set(states) <= {"done", "ignored", "dead", "parked"}
    assert (
        house.desk.query(
            "SELECT id FROM inbox WHERE state = 'dead' AND NOT EXISTS (SELECT FROM attention"
            " WHERE kind = 'dead_event' AND subject = 'event:' || inbox.id)"
        )
        == []
    )
    assert {(row.currency, row.amount_minor) for row in house.desk.payments()} <= amounts
    assert set(told) == {200, 400}
    assert told[400] > 20
    assert states["done"] > 150
    assert states["ignored"] > 50
    assert states["dead"] > 50
    assert kinds["receive"] > 10
    assert kinds["refund"] + kinds["chargeback"] > 5


def _recorded(random: Random) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(stripe_body(random.choice(RECORDED)))
    return {**event, "id": f"evt_{random.getrandbits(64)}"}


def _one_of_few(random: Random) -> dict[str, Any]:
    """An event of one of 30 payments for one of three invoices, most often misled."""
    text = json.dumps(_recorded(random)).replace("3Own42", str(random.randrange(30)))
    text = text.replace("2026-0042", f"000{random.randint(1, 4)}")
    return misled(json.loads(text.replace("24200", random.choice(_AMOUNTS))), random)


def _another_body(body: bytes, random: Random) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    other = torn(body, random)
    return (other if other != body else b""), [_vouching(body)]


def _vouching(body: bytes, *secrets: str) -> tuple[bytes, bytes]:
    return b"stripe-signature", stripe_header(body, *secrets, at=now())


_WAYS = {
    "signed": lambda body, _: (body, [_vouching(body)]),
    "unsigned": lambda body, _: (body, []),
    "for another body": _another_body,
    "with another secret": lambda body, _: (body, [_vouching(body, "whsec_other")]),
    "noise": lambda _, random: (random.randbytes(random.randrange(300)), []),
}


def _parts(body: bytes, random: Random) -> list[bytes]:
    middle = random.randint(0, len(body))
    return [body[:middle], body[middle:]]


def _amounts(body: bytes) -> set[tuple[str, int]]:
    """What a kept body tells of money that moved."""
    reading = _read(body)
    reports = reading if isinstance(reading, tuple) else ()
    money = (report.fact.money for report in reports if isinstance(report, Report))
    return {(each.currency, each.minor) for each in money}


def _assert_told(report: Report, event: dict[str, Any]) -> None:
    """The money is a number of the event's own, in the currency's own minor units, and positive."""
    minor, currency = report.fact.money.minor, report.fact.money.currency
    factor = {"ISK": Decimal("0.01"), "UGX": Decimal("0.01"), "MGA": Decimal(100)}
    told = [*leaves(event)]

    assert minor > 0
    assert minor in {abs(each) * factor.get(currency, 1) for each in told if type(each) is int}
    assert currency in {each.upper() for each in told if isinstance(each, str)}
    assert set(report.names) <= {each for each in told if isinstance(each, str)}


def _read(body: bytes) -> Reading | Refused:
    try:
        return TEST.read(body)
    except Refused as refusal:
        return refusal


@contextmanager
def _door(dsn: str) -> Iterator[Callable[..., Answer]]:
    """A door in a loop of its own; what it yields asks it something and waits for the answer."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def ask(question: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(question, loop).result(timeout=30)

    opening = open_door(dsn, NOWHERE)
    door = ask(opening.__aenter__())
    try:
        yield lambda *parts, **how: ask(knock(door, *parts, **how))
    finally:
        ask(opening.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
