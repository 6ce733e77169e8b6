"""How a call to PayPal's API goes: the token, the trouble, the request id, the answer."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox import paypal_errors as errors
from sandbox.idempotency import InFlight, Keys, OtherRequest
from sandbox.payload import Payload, printed
from sandbox.paypal_account import PaypalAccount, Show


@dataclass(frozen=True, slots=True)
class Call:
    """What an act is told."""

    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Payload
    is_whole: bool  # whether `Prefer: return=representation` was asked for


# Does it all at once, with no await, and answers how to show what it made or found.
Act = Callable[[Call], Show]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(
    account: PaypalAccount, act: Act, *, keys: Keys[Show] | None = None, status: int = 200
) -> Endpoint:
    """An act as an address answers with it; with keys, a repeated request id repeats nothing."""

    async def answer(request: Request) -> Response:
        try:
            account.check_token(request.headers.get("Authorization", ""))
            call = await _read(request)
            return await _answered(account, request, (act, call), keys, status)
        except errors.PaypalError as error:
            return response(error.status, error.body)

    return answer


async def not_pretended(request: Request) -> Response:
    """The answer to calls that the sandbox does not have."""
    return response(404, errors.not_found().body)


def response(status: int, body: Payload) -> Response:
    """An answer as PayPal gives it."""
    return Response(printed(body), status, media_type="application/json")


async def _answered(
    account: PaypalAccount,
    request: Request,
    what: tuple[Act, Call],
    keys: Keys[Show] | None,
    status: int,
) -> Response:
    act, call = what
    knobs = account.knobs
    fault = knobs.fault(is_post=request.method == "POST")
    # PayPal keeps no failure for a request id, so that a kept one is a plain one here.
    if fault in ("error_before", "error_kept"):
        knobs.count(fault)
        raise errors.error("INTERNAL_SERVER_ERROR")
    _mock(request)
    asked = request.headers.get("PayPal-Request-Id") if keys is not None else None
    key = None if asked is None else f"{request.url.path} {asked}"
    known = None if keys is None or key is None else _begun(account, keys, key, call)
    told = f"{request.url.path} {json.dumps(call.body)}"
    if known is None:
        show = await _first(keys, key, lambda: knobs.linger(fault, told), lambda: act(call))
    else:
        knobs.count("replayed")
        await knobs.linger(fault, told)
        show, status = known, 200
    body = show()
    await knobs.hold("hold_after", told)
    if fault == "error_after":
        knobs.count(fault)
        raise errors.error("INTERNAL_SERVER_ERROR")
    return response(status, body)


async def _first(
    keys: Keys[Show] | None,
    key: str | None,
    linger: Callable[[], Awaitable[None]],
    act: Callable[[], Show],
) -> Show:
    """Do it; a failure leaves its key as if it had never been used."""
    show = None
    try:
        await linger()
        show = act()
    finally:
        if keys is not None and key is not None:
            if show is None:
                keys.forget(key)
            else:
                keys.keep(key, show)
    return show


def _begun(account: PaypalAccount, keys: Keys[Show], key: str, call: Call) -> Show | None:
    if len(key.partition(" ")[2]) > 108:
        raise errors.invalid("PayPal-Request-Id", "INVALID_STRING_LENGTH")
    try:
        return keys.begin(key, json.dumps(call.body, sort_keys=True), account.clock())
    except OtherRequest:
        raise errors.refused("DUPLICATE_REQUEST_ID") from None
    except InFlight:
        raise errors.error("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS") from None


async def _read(request: Request) -> Call:
    body: Payload = {}
    if request.method == "POST":
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type != "application/json":
            raise errors.PaypalError(415, {"name": "UNSUPPORTED_MEDIA_TYPE"})
        body = _parsed(await request.body())
    is_whole = "return=representation" in request.headers.get("Prefer", "")
    return Call(request.path_params, dict(request.query_params), body, is_whole)


def _parsed(text: bytes) -> Payload:
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError:
        raise errors.invalid("/", "MALFORMED_REQUEST_JSON") from None
    if not isinstance(body, dict):
        raise errors.invalid("/", "MALFORMED_REQUEST_JSON")
    return body


def _mock(request: Request) -> None:
    """Negative testing: the caller says which error it wants to be answered with."""
    wanted = request.headers.get("PayPal-Mock-Response")
    if wanted is not None:
        code = _parsed(wanted.encode()).get("mock_application_codes")
        if isinstance(code, str):
            raise errors.refused(code)
