"""Stripe's refusals, in its own shape."""

from sandbox.gateway import NotDone
from sandbox.payload import Payload


class StripeError(NotDone):
    """An answer that is an error; `is_kept` when the idempotency key remembers it."""

    def __init__(self, status: int, error: Payload, *, is_kept: bool = False) -> None:
        super().__init__(error["message"])
        self.status = status
        self.body: Payload = {"error": error}
        self.is_kept = is_kept


def bad_param(name: str, message: str, code: str = "parameter_invalid") -> StripeError:
    """A request that is wrong by itself: nothing was done, and no key remembers it."""
    return StripeError(
        400,
        {"type": "invalid_request_error", "code": code, "param": name, "message": message},
    )


def unknown_param(name: str) -> StripeError:
    """A parameter that this call does not have."""
    return bad_param(name, f"Received unknown parameter: {name}", "parameter_unknown")


def missing_param(name: str) -> StripeError:
    """A parameter that this call needs."""
    return bad_param(name, f"Missing required param: {name}.", "parameter_missing")


def missing(kind: str, id_: str) -> StripeError:
    """An object that the account does not have."""
    error = {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "param": "id",
        "message": f"No such {kind}: '{id_}'",
    }
    return StripeError(404, error)


def not_now(message: str, code: str | None = None) -> StripeError:
    """A request that the object's state forbids; its key remembers that."""
    error = {"type": "invalid_request_error", "message": message}
    return StripeError(400, {**error, "code": code} if code else error, is_kept=True)


def bad_key() -> StripeError:
    """A missing or wrong API key."""
    return StripeError(
        401, {"type": "invalid_request_error", "message": "Invalid API Key provided"}
    )


def no_such_call(method: str, path: str) -> StripeError:
    """A call that the sandbox does not pretend."""
    message = f"Unrecognized request URL ({method}: {path}); the sandbox has only what is used"
    return StripeError(404, {"type": "invalid_request_error", "message": message})


def other_parameters(key: str) -> StripeError:
    """A key that was used with other parameters."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first"
        f" used with. Try using a key other than '{key}' if you meant to execute a different"
        " request."
    )
    return StripeError(400, {"type": "idempotency_error", "message": message})


def in_flight(key: str) -> StripeError:
    """A key whose first request has not ended."""
    message = f"There is currently another in-progress request using the key '{key}'."
    error = {
        "type": "idempotency_error",
        "code": "idempotency_key_in_use",
        "message": message,
    }
    return StripeError(409, error)


def own_fault() -> StripeError:
    """Stripe's own trouble."""
    return StripeError(500, {"type": "api_error", "message": "An unknown error occurred"})
