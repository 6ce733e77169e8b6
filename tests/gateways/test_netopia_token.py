"""Who is believed to be NETOPIA: the token binds every byte, and chooses nothing itself."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from domain.errors import Refused, Untrusted
from gateways.netopia import Netopia
from gateways.port import Delivery, Envelope, Outcome, Unreadable
from tests.gateways.deliveries import netopia_body
from tests.netopia_seal import (
    POS,
    SENT_AT,
    Pen,
    a_pen,
    by_secret,
    claims,
    delivery,
    digest,
    encoded,
    part,
    unsigned,
)

BODY = netopia_body()
PEN = a_pen()
OURS = {"typ": "JWT", "alg": "RS512"}


def a_netopia(public_key: str = PEN.pem) -> Netopia:
    return Netopia(POS, public_key, is_live=False)


def arrive(token: str, body: bytes = BODY, public_key: str = PEN.pem, **late: Any) -> Envelope:
    now = SENT_AT + timedelta(**late)
    return a_netopia(public_key).authenticate(delivery(body, token), {}, now)


def test_a_hash_of_a_body_is_as_netopia_makes_it():
    told = (
        "dSvbnyeTKaNtAOncqSq/7n76UQb6U9JN2COehXIlWO/l06LjYXmK/LNGzSUOOwTmAJRkYiit6evb8/daEkjd4Q=="
    )

    assert digest(b'{"payment":{"status":3}}') == told


def test_an_envelope_names_the_event_after_its_bytes():
    token = PEN.token(BODY)

    found = arrive(token)
    again = arrive(PEN.token(BODY, at=SENT_AT - timedelta(hours=1)))
    other = netopia_body({"status": 5})

    assert (found.account, found.kind, found.binding) == (f"{POS}/test", "paid", None)
    assert found.headers_to_keep == {"verification-token": token}
    assert again.event_id == found.event_id
    assert arrive(PEN.token(other), other).event_id != found.event_id


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
@pytest.mark.parametrize("audience", [POS, [POS], ["SOMEBODY-ELSE", POS]])
def test_every_algorithm_and_form_of_the_audience_is_taken(algorithm: str, audience: object):
    assert arrive(PEN.token(BODY, head={"alg": algorithm}, aud=audience)).kind == "paid"


@pytest.mark.parametrize(
    "times",
    [
        {"iat": None},
        {"iat": int(SENT_AT.timestamp()) * 1000},
        {"iat": SENT_AT.timestamp() + 0.5},
        {"nbf": int(SENT_AT.timestamp()) + 299},
        {"nbf": 0},
        {"exp": int(SENT_AT.timestamp()) * 1000},
    ],
    ids=str,
)
def test_times_may_be_missing_or_in_milliseconds(times: dict[str, Any]):
    assert arrive(PEN.token(BODY, **times)).kind == "paid"


def test_a_resend_may_carry_its_first_token_for_days():
    assert arrive(PEN.token(BODY), days=7).kind == "paid"
    with pytest.raises(Untrusted, match="too old"):
        arrive(PEN.token(BODY), days=7, seconds=1)


def test_a_key_may_be_a_certificate_and_there_may_be_several():
    other = a_pen("other")
    both = f"what was before\n{other.certificate}\n{PEN.pem}"

    for pen in (PEN, other):
        assert arrive(pen.token(BODY), public_key=both).kind == "paid"
    with pytest.raises(Untrusted, match="does not fit"):
        arrive(a_pen("third").token(BODY), public_key=both)


def _with_claims(token: str, said: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{part(said)}.{signature}"


def _ended(token: str) -> str:
    return token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")


FORGED = {
    "no token": "",
    "nothing but points": "..",
    "two parts": PEN.token(BODY).rpartition(".")[0],
    "four parts": PEN.token(BODY) + ".e30",
    "none": unsigned(BODY),
    "None": unsigned(BODY, algorithm="None"),
    "none with a signature": PEN.token(BODY, head={"alg": "none"}),
    "no algorithm": PEN.token(BODY, head={"alg": None}),
    "a list of algorithms": PEN.token(BODY, head={"alg": ["RS512"]}),
    "the public key as a secret": by_secret(BODY, PEN.pem.encode()),
    "the public key as a secret, stripped": by_secret(BODY, PEN.pem.strip().encode()),
    "an empty secret": by_secret(BODY, b""),
    "SHA-1": PEN.token(BODY, head={"alg": "RS1"}),
    "PSS by name": PEN.token(BODY, head={"alg": "PS512"}),
    "lower case": PEN.token(BODY, head={"alg": "rs512"}),
    "another hash than its own": PEN.token(BODY, head={"alg": "RS256"}).replace(
        part({"typ": "JWT", "alg": "RS256"}), part(OURS)
    ),
    "another type": PEN.token(BODY, head={"typ": "JWS"}),
    "no type": PEN.token(BODY, head={"typ": None}),
    "what must be understood": PEN.token(BODY, head={"crit": ["exp"]}),
    "a key of its own": a_pen("other").token(BODY, head={"jwk": {"kty": "RSA"}}),
    "a key elsewhere": a_pen("other").token(BODY, head={"jku": "http://127.0.0.1/keys"}),
    "another's key": a_pen("other").token(BODY),
    "a flipped end": _ended(PEN.token(BODY)),
    "no signature": PEN.token(BODY).rpartition(".")[0] + ".",
    "other claims": _with_claims(PEN.token(BODY, iss=None), claims(BODY)),
    "another issuer": PEN.token(BODY, iss="NETOPIA payments"),
    "no issuer": PEN.token(BODY, iss=None),
    "issuers": PEN.token(BODY, iss=["NETOPIA Payments"]),
    "another audience": PEN.token(BODY, aud="AAAA-BBBB-CCCC-DDDD-EEEF"),
    "a longer audience": PEN.token(BODY, aud=POS + "-FFFF"),
    "an empty audience": PEN.token(BODY, aud=[]),
    "no audience": PEN.token(BODY, aud=None),
    "an audience inside": PEN.token(BODY, aud=[[POS]]),
    "an audience as a name": PEN.token(BODY, aud={POS: True}),
    "another body": PEN.token(BODY + b" "),
    "no body": PEN.token(b""),
    "no hash": PEN.token(BODY, sub=None),
    "a number for a hash": PEN.token(BODY, sub=512),
    "a hash without its end": PEN.token(BODY, sub=digest(BODY).rstrip("=")),
    "half a character for a hash": PEN.token(BODY, sub="\ud800"),
    "from tomorrow": PEN.token(BODY, iat=int(SENT_AT.timestamp()) + 301),
    "not yet": PEN.token(BODY, nbf=int(SENT_AT.timestamp()) + 301),
    "ended": PEN.token(BODY, exp=int(SENT_AT.timestamp()) - 301),
    "a time in words": PEN.token(BODY, iat="now"),
    "a time that is true": PEN.token(BODY, iat=True),
    "a time beyond all": PEN.token(BODY, iat=10**30),
    "a time before all": PEN.token(BODY, iat=-1),
    "claims twice": PEN.sign(OURS, b'{"iss":"NETOPIA Payments","iss":"NETOPIA Payments"}'),
    "claims that are a list": PEN.sign(OURS, ["NETOPIA Payments"]),
    "claims that are no JSON": PEN.sign(OURS, b"\xff"),
    "a head that is no JSON": f"{encoded(b'RS512')}.{part({})}.{encoded(b'x')}",
    "a head that is a list": f"{part([])}.{part({})}.{encoded(b'x')}",
    "base64 with plus and slash": PEN.token(BODY).replace("-", "+").replace("_", "/") + "+",
    "half a character of base64": PEN.token(BODY).rpartition(".")[0] + ".A",
    "a monstrous one": PEN.token(BODY, more="x" * 8192),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_nobody_else_is_believed(token: str):
    with pytest.raises(Untrusted) as refusal:
        arrive(token)

    assert not isinstance(refusal.value, Unreadable)
    assert a_netopia().reply(Outcome.UNTRUSTED).body != a_netopia().reply(Outcome.KEPT).body


@pytest.mark.parametrize("tokens", [(), (PEN.token(BODY), PEN.token(BODY))], ids=["none", "two"])
def test_a_token_that_is_not_there_once_is_refused(tokens: tuple[str, ...]):
    with pytest.raises(Untrusted):
        a_netopia().authenticate(delivery(BODY, *tokens), {}, SENT_AT)


def test_a_token_in_other_letters_is_refused():
    headers = ((b"verification-token", PEN.token(BODY).encode() + b"\xff"),)

    with pytest.raises(Untrusted):
        a_netopia().authenticate(Delivery(headers, BODY), {}, SENT_AT)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b'{"a":1,"a":2}', b'{"a":NaN}'])
def test_what_is_proven_and_no_object_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        arrive(PEN.token(body), body)


def _private(pen: Pen) -> str:
    return pen.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "public_key",
    [
        "",
        "   \n",
        "secret",
        PEN.pem.replace("PUBLIC", "PUBLISHED"),
        PEN.pem[:80] + PEN.pem[-80:],
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        _private(PEN),
        PEN.pem + _private(PEN),
    ],
    ids=["none", "blank", "a word", "unknown", "half", "no RSA", "private", "both"],
)
def test_what_is_no_public_key_is_refused_before_anybody_comes(public_key: str):
    with pytest.raises(Refused, match="NETOPIA_PUBLIC_KEY"):
        a_netopia(public_key)


@pytest.mark.parametrize("pos", ["", " ", "AAAA BBBB", "x" * 65])
def test_what_is_no_point_of_sale_is_refused(pos: str):
    with pytest.raises(Refused, match="NETOPIA_POS_SIGNATURE"):
        Netopia(pos, PEN.pem, is_live=False)


def test_the_replies_are_netopias_to_the_byte():
    said = {outcome: a_netopia().reply(outcome) for outcome in Outcome}

    ok = b'{"errorType":0,"errorCode":0,"errorMessage":""}'
    assert {said[each].body for each in (Outcome.KEPT, Outcome.DUPLICATE, Outcome.DIFFERS)} == {ok}
    assert said[Outcome.UNTRUSTED].body == (
        b'{"errorType":1,"errorCode":268435713,"errorMessage":"refused"}'
    )
    assert said[Outcome.MALFORMED].body == (
        b'{"errorType":2,"errorCode":268435719,"errorMessage":"malformed"}'
    )
    assert said[Outcome.BUSY].body == b'{"errorType":1,"errorCode":268435457,"errorMessage":"busy"}'
    assert {reply.status for outcome, reply in said.items() if outcome is not Outcome.BUSY} == {200}
    assert said[Outcome.BUSY].status == 503
    assert {reply.content_type for reply in said.values()} == {b"application/json"}
