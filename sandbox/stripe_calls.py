"""How a call to Stripe's API goes: the key, the trouble, the idempotency key, the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response

from sandbox import stripe_errors as errors
from sandbox import stripe_params as given
from sandbox.idempotency import InFlight, OtherRequest
from sandbox.payload import Payload, printed
from sandbox.stripe_account import Outcome, StripeAccount


@dataclass(frozen=True, slots=True)
class Call:
    """What an act is told: the path as it was asked, its names, and the parameters."""

    path: str
    names: Mapping[str, str]
    params: Payload


# Does it all at once, with no await: nothing else happens meanwhile.
Act = Callable[[Call], Payload]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(account: StripeAccount, act: Act) -> Endpoint:
    """An act as an address answers with it."""

    async def answer(request: Request) -> Response:
        try:
            _authorise(account, request)
            call = Call(_own_path(request), request.path_params, await _params(request))
            return await _answered(account, request, act, call)
        except errors.StripeError as error:
            return _response(account, error.status, printed(error.body))

    return answer


async def not_pretended(request: Request) -> Response:
    """The answer to calls that the sandbox does not have."""
    error = errors.no_such_call(request.method, _own_path(request))
    return Response(printed(error.body), error.status, media_type="application/json")


async def _answered(account: StripeAccount, request: Request, act: Act, call: Call) -> Response:
    knobs = account.knobs
    fault = knobs.fault(is_post=request.method == "POST")
    if fault is not None:
        knobs.count(fault)
    if fault == "error_before":
        raise errors.own_fault()
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is None:
        if fault == "slow":
            await asyncio.sleep(knobs.slow_seconds)
        outcome = _done(act, call)
    else:
        replayed = _begun(account, key, call)
        if replayed is not None:
            knobs.count("replayed")
            return _response(account, replayed.status, replayed.body, is_replayed=True)
        outcome = await _first(account, key, fault, lambda: _done(act, call))
    if fault == "error_after" or (fault == "error_kept" and key is None):
        raise errors.own_fault()
    return _response(account, outcome.status, outcome.body)


async def _first(
    account: StripeAccount, key: str, fault: str | None, act: Callable[[], Outcome]
) -> Outcome:
    """Do what the key stands for; whatever becomes of it, the key does not stay in flight."""
    outcome = None
    try:
        if fault == "slow":
            await asyncio.sleep(account.knobs.slow_seconds)
        if fault == "error_kept":
            error = errors.own_fault()
            outcome = Outcome(error.status, printed(error.body))
        else:
            outcome = act()
    except errors.StripeError as error:
        if not error.is_kept:
            raise
        outcome = Outcome(error.status, printed(error.body))
    finally:
        if outcome is None:
            account.keys.forget(key)
        else:
            account.keys.keep(key, outcome)
    return outcome


def _begun(account: StripeAccount, key: str, call: Call) -> Outcome | None:
    if not 1 <= len(key) <= 255:
        raise errors.bad_param("Idempotency-Key", "Idempotency keys have at most 255 characters")
    fingerprint = f"{call.path}\n{printed(call.params).decode()}"
    try:
        return account.keys.begin(key, fingerprint, account.clock())
    except OtherRequest:
        raise errors.other_parameters(key) from None
    except InFlight:
        raise errors.in_flight(key) from None


def _done(act: Act, call: Call) -> Outcome:
    return Outcome(200, printed(act(call)))


async def _params(request: Request) -> Payload:
    if request.method == "GET":
        return given.parsed(request.url.query)
    return given.parsed((await request.body()).decode(errors="replace"))


def _authorise(account: StripeAccount, request: Request) -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not compare_digest(key.encode(), account.options.stripe_key.encode()):
        raise errors.bad_key()


def _own_path(request: Request) -> str:
    return "/v1" + request.url.path.partition("/v1")[2]


def _response(
    account: StripeAccount, status: int, body: bytes, *, is_replayed: bool = False
) -> Response:
    headers = {"Request-Id": account.ids.stripe("req")}
    if is_replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status, headers, media_type="application/json")
