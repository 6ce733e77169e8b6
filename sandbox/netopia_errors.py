"""NETOPIA's refusals, in its own shape: a code, mostly beside a status of 200."""

from sandbox.gateway import NotDone
from sandbox.payload import Payload


class NetopiaError(NotDone):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = error(code, message)


def error(code: str, message: str) -> Payload:
    """What each answer says is the matter; `101`, `00` and `0` are no errors."""
    return {"error": {"code": code, "message": message}}


def invalid(field: str) -> NetopiaError:
    """A request that is malformed; which code that has is not published."""
    return NetopiaError(400, "400", f"Invalid {field}")


def unknown() -> NetopiaError:
    """Something that this point of sale does not have; its code is not published either."""
    return NetopiaError(404, "404", "Payment not found")


def open_already(*, is_same: bool) -> NetopiaError:
    """An order id that was used before."""
    if is_same:
        return NetopiaError(200, "56", "Order closed or duplicate orderID")
    return NetopiaError(200, "99", "Invalid amount for this orderID")


def over() -> NetopiaError:
    """More than there is to give back."""
    return NetopiaError(200, "99", "Invalid Credit amount")
