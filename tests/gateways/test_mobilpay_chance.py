"""Chance invents notices and forms: each is read, or refused in the one way there is."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Refused, Untrusted
from domain.facts import Ignored, Report, Status
from gateways import mobilpay_notice, mobilpay_reports
from gateways.mobilpay_notice import Notice
from gateways.port import Claim, Delivery, Envelope
from tests import mobilpay_seal as seal
from tests.builders import at

gateway = seal.a_mobilpay(has_rc4=True, has_bare_address=True)
RECORDED = seal.recorded()
OURS = Claim(seal.ORDER, seal.MONEY)

_PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [
            *(b"<", b">", b"&", b'"', b"<!--", b"]]>", b"<![CDATA[", b"<!DOCTYPE x>", b"<?x?>"),
            *(b"<mobilpay/>", b"<action>paid</action>", b"confirmed", b"credit", b"&#0;", b"&x;"),
            *(b"-", b"0", b"9" * 30, b"EUR", b" xmlns='x'", "ș".encode(), b"\xed\xa0\x80", b"\0"),
        ]
    ),
)
_CUTS = st.lists(st.integers(0, len(RECORDED)), max_size=6)


@st.composite
def touched(draw: st.DrawFn) -> bytes:
    """The recorded notice with pieces of it taken out, doubled, or replaced."""
    places = [0, *sorted(draw(_CUTS)), len(RECORDED)]
    parts = [RECORDED[start:end] for start, end in pairwise(places)]
    times = st.sampled_from([1, 1, 1, 1, 0, 2])
    return draw(_PIECES).join(part * draw(times) for part in parts)


_AMOUNTS = st.sampled_from(["120.50", "0", "-5.00", "1e3", "0.01", "99999999999999", "", "١"])
_WORDED = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(sorted(mobilpay_notice.ACTIONS)),
        "code": st.sampled_from(["0", "00", "-0", "16", "56", "", "٠"]),
        "order_id": st.sampled_from([seal.ORDER, "INV-2-1", "", "x" * 300]),
        "currency": st.sampled_from(["RON", "EUR", "ron", ""]),
        **dict.fromkeys(("amount", "asked", "processed"), _AMOUNTS),
    },
)


def test_a_notice_is_read_or_refused_and_never_more_than_it_says():
    seen: Counter[str] = Counter()

    @settings(max_examples=300)
    @given(st.one_of(touched(), _WORDED.map(lambda words: seal.a_notice(**words))))
    def look(xml: bytes) -> None:
        try:
            notice = mobilpay_notice.parse(xml)
            reading = mobilpay_reports.tell("account", notice, OURS)
        except (Untrusted, Refused) as refusal:
            seen[type(refusal).__name__] += 1
            return
        seen["told"] += 1
        for report in () if isinstance(reading, Ignored) else reading:
            if isinstance(report, Report) and report.fact.status is Status.SUCCEEDED:
                seen["money"] += 1
                _hold(notice, report)

    look()

    assert min(seen["told"], seen["money"], seen["Refused"], seen["Untrusted"]) >= 5, seen


def _hold(notice: Notice, report: Report) -> None:
    """Money is what was confirmed or given back, and for our order where it is just that."""
    assert notice.action in ("confirmed", "credit")
    assert int(notice.code) == 0
    assert report.fact.money.minor > 0
    is_ours = Claim(notice.order_id, mobilpay_reports.asked(notice)) == OURS
    assert report.fact.meant_for == ((seal.ORDER,) if is_ours else ())


@given(touched(), st.booleans(), st.sampled_from(["aes-256-cbc", "rc4", None]))
def test_whatever_is_sealed_gets_an_envelope_or_the_one_refusal(
    xml: bytes, is_bare: bool, cipher: str | None
):
    delivery = seal.delivery(seal.body(xml, seal.Seal(cipher=cipher)), is_bare=is_bare)

    envelope = _taken(delivery)

    if envelope is not None:
        assert len(envelope.event_id) == 64
        assert (envelope.claim is None) != is_bare
        _read(envelope.kept or b"")


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_whatever_is_posted_is_refused(body: bytes):
    assert _taken(seal.delivery(body)) is None
    _read(body)


@given(st.text(max_size=200))
def test_no_guess_is_an_address(guess: str):
    assert _taken(seal.delivery(seal.body(), guess)) is None


def _taken(delivery: Delivery) -> Envelope | None:
    try:
        return gateway.authenticate(delivery, {}, at("2026-11-20T12:00"))
    except Untrusted:
        return None


def _read(raw: bytes) -> None:
    try:
        gateway.read(raw)
    except Refused:
        return
