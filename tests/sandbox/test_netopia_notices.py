"""Pretend NETOPIA sends tokens that plain cryptography confirms, until the answer is right."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha512
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sandbox import netopia_signing, running
from sandbox.options import Options
from tests.sandbox.listening import Listener, Taken
from tests.sandbox.netopia_customers import POS, TAKEN, AtNetopia
from tests.waiting import eventually


def test_each_token_binds_its_body_for_this_point_of_sale(
    at_netopia: AtNetopia, listener: Listener
) -> None:
    pem = at_netopia.browser.get(f"{at_netopia.sandbox.url}/control/netopia-public-key.pem")
    key = load_pem_public_key(pem.content)
    assert isinstance(key, rsa.RSAPublicKey)

    for number in range(3):
        at_netopia.paid(f"INV-{number}-1")

    claims = [_claims(key, each) for each in listener.taken]
    for said, taken in zip(claims, listener.taken, strict=True):
        assert said["iss"] == "NETOPIA Payments"
        assert said["sub"] == base64.b64encode(sha512(taken.body).digest()).decode()
        assert said["iat"] == said["nbf"] < 10**11
        assert "exp" not in said
        assert taken.path == "/webhooks/netopia"
    assert len(claims) == 6
    assert POS in [said["aud"] for said in claims]
    assert [POS] in [said["aud"] for said in claims]
    kinds = {each.headers.get("content-type") for each in listener.taken}
    assert kinds == {"application/json", "text/plain", None}
    with pytest.raises(InvalidSignature):
        _claims(netopia_signing.new_key().public_key(), listener.taken[0])


@pytest.mark.parametrize(
    ("answers", "attempts", "counted"),
    [
        ([(200, b'{"errorType":1,"errorCode":1}'), (200, TAKEN)], 2, "retried"),
        ([(503, TAKEN), (200, TAKEN)], 2, "retried"),
        ([(200, b"OK"), (200, TAKEN)], 2, "retried"),
        ([(200, b'["errorType"]'), (200, TAKEN)], 2, "retried"),
        ([(200, b'{"errorType":false}'), (200, TAKEN)], 2, "retried"),
        ([(200, b'{"errorType":2,"errorCode":7}')], 1, "told_never"),
    ],
)
def test_only_the_right_answer_ends_the_resends(
    at_netopia: AtNetopia, answers: list[tuple[int, bytes]], attempts: int, counted: str
) -> None:
    listener = at_netopia.listener
    listener.statuses = [status for status, _ in answers]
    listener.bodies = [body for _, body in answers]
    payment = at_netopia.start()

    at_netopia.press(payment, "decline")

    assert at_netopia.told() == [12] * attempts
    assert len({(each.body, each.headers["verification-token"]) for each in listener.taken}) == 1
    counters = at_netopia.sandbox.counted("netopia")
    assert counters[counted] == 1
    assert counters["given_up" if attempts == 1 else "accepted"] == 1


def test_what_was_lost_is_sent_again_by_hand(at_netopia: AtNetopia) -> None:
    at_netopia.sandbox.turn("netopia", drop=1.0)
    at_netopia.paid()
    lost = at_netopia.told()

    resent = at_netopia.sandbox.resend()

    assert (lost, resent) == ([], 2)
    assert sorted(at_netopia.told()) == [3, 5]


def test_what_was_spoilt_after_it_was_signed_comes_again_whole(
    at_netopia: AtNetopia, listener: Listener
) -> None:
    at_netopia.sandbox.turn("netopia", corrupt=0.5, duplicate=0.5, reorder=1.0, reorder_seconds=0.1)

    for number in range(5):
        at_netopia.paid(f"INV-{number}-1")

    hashes = [_hash(taken) == _told_hash(taken) for taken in listener.taken]
    counted = at_netopia.sandbox.counted("netopia")
    assert hashes.count(False) == counted["corrupted"] == counted["corrupt_accepted"] >= 2
    assert hashes.count(True) == 10 + counted["duplicated"] == counted["accepted"]
    assert counted["duplicated"] >= 2
    assert counted["overtaken"] >= 2


def test_a_call_is_held_before_or_after_it_was_done(at_netopia: AtNetopia) -> None:
    ntp_id = at_netopia.paid()
    moved = []

    with ThreadPoolExecutor(1) as pool:
        for where in ("hold_before", "hold_after"):
            at_netopia.sandbox.turn("netopia", **{where: ntp_id})
            asked = pool.submit(at_netopia.credit, ntp_id, 20)
            eventually(lambda: at_netopia.sandbox.counted("netopia").get(where) == 1)  # noqa: B023
            moved.append(len(at_netopia.sandbox.rows("netopia")) - 1)
            at_netopia.sandbox.turn("netopia", **{where: ""})
            assert asked.result()["error"]["code"] == "00"

    assert moved == [0, 2]


def test_a_lost_answer_gave_back_all_the_same(at_netopia: AtNetopia) -> None:
    ntp_id = at_netopia.paid()
    at_netopia.sandbox.turn("netopia", next=["error_after", "error_before", "error_kept"])

    codes = [at_netopia.credit(ntp_id, 1)["error"]["code"] for _ in range(4)]

    assert codes == ["500", "500", "500", "00"]
    rows = at_netopia.sandbox.rows("netopia")
    assert [(row.move, str(row.amount)) for row in rows[1:]] == [("out", "1.00")] * 2


def test_a_key_that_is_kept_is_believed_by_the_next_sandbox(
    tmp_path: Path, browser: httpx.Client
) -> None:
    file = tmp_path / "netopia.pem"
    seen = []
    for _ in range(2):
        options = Options("http://127.0.0.1:9/webhooks", netopia_key_file=file)
        with running.beside(options) as sandbox:
            seen.append(browser.get(f"{sandbox.url}/control/netopia-public-key.pem").content)

    assert seen[0] == seen[1] == file.read_bytes()
    assert (tmp_path / "netopia.pem.key").stat().st_mode & 0o777 == 0o600


def _hash(taken: Taken) -> str:
    return base64.b64encode(sha512(taken.body).digest()).decode()


def _told_hash(taken: Taken) -> str:
    claims = json.loads(_bytes(taken.headers["verification-token"].split(".")[1]))
    return str(claims["sub"])


def _claims(key: rsa.RSAPublicKey, taken: Taken) -> dict[str, Any]:
    """What a token says, once its signature was found to fit."""
    signed, _, signature = taken.headers["verification-token"].rpartition(".")
    key.verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), SHA512())
    head, claims = (json.loads(_bytes(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "RS512"}
    assert isinstance(claims, dict)
    return claims


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
