"""How a call to Stripe's API goes: the key, the trouble, the idempotency key, the answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response

from sandbox import stripe_errors as errors
from sandbox import stripe_params as given
from sandbox.idempotency import InFlight, OtherRequest
from sandbox.knobs import Fault
from sandbox.payload import Payload, printed
from sandbox.stripe_account import Outcome, StripeAccount


@dataclass(frozen=True, slots=True)
class Call:
    """What an act is told: the path as it was asked, its names, and the parameters."""

    path: str
    names: Mapping[str, str]
    params: Payload

    @property
    def told(self) -> str:
        """All of it, as one text."""
        return f"{self.path}\n{printed(self.params).decode()}"


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
            return _response(account, _failed(error))

    return answer


async def not_pretended(request: Request) -> Response:
    """The answer to calls that the sandbox does not have."""
    error = errors.no_such_call(request.method, _own_path(request))
    return Response(printed(error.body), error.status, media_type="application/json")


async def _answered(account: StripeAccount, request: Request, act: Act, call: Call) -> Response:
    knobs = account.knobs
    fault = knobs.fault(is_post=request.method == "POST")
    if fault == "error_before":
        knobs.count(fault)
        raise errors.own_fault()
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    replayed = None if key is None else _begun(account, key, call)
    if replayed is None:
        outcome = await _first(account, key, fault, act, call)
    else:
        knobs.count("replayed")
        await knobs.linger(fault, call.told)
        outcome = replayed
    await knobs.hold("hold_after", call.told)
    if fault == "error_after":
        knobs.count(fault)
        raise errors.own_fault()
    return _response(account, outcome, is_replayed=replayed is not None)


async def _first(
    account: StripeAccount, key: str | None, fault: Fault | None, act: Act, call: Call
) -> Outcome:
    """Do it; whatever becomes of it, a key does not stay in flight."""
    outcome = None
    try:
        await account.knobs.linger(fault, call.told)
        if fault == "error_kept":
            account.knobs.count(fault)
            outcome = _failed(errors.own_fault())
        else:
            outcome = _done(act, call)
    except errors.StripeError as error:
        if not error.is_kept:
            raise
        outcome = _failed(error)
    finally:
        if key is not None and outcome is None:
            account.keys.forget(key)
        elif key is not None and outcome is not None:
            account.keys.keep(key, outcome)
    return outcome


def _failed(error: errors.StripeError) -> Outcome:
    return Outcome(error.status, printed(error.body))


def _begun(account: StripeAccount, key: str, call: Call) -> Outcome | None:
    if not 1 <= len(key) <= 255:
        raise errors.bad_param("Idempotency-Key", "Idempotency keys have at most 255 characters")
    try:
        return account.keys.begin(key, call.told, account.clock())
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


def _response(account: StripeAccount, outcome: Outcome, *, is_replayed: bool = False) -> Response:
    headers = {"Request-Id": account.ids.stripe("req")}
    if is_replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(outcome.body, outcome.status, headers, media_type="application/json")
