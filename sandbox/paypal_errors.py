"""PayPal's refusals, in its own shape."""

from sandbox.gateway import NotDone
from sandbox.payload import Payload

_MESSAGES = {
    "INVALID_REQUEST": "Request is not well-formed, syntactically incorrect, or violates schema.",
    "UNPROCESSABLE_ENTITY": "The requested action could not be performed, semantically incorrect,"
    " or failed business validation.",
    "RESOURCE_NOT_FOUND": "The specified resource does not exist.",
    "RESOURCE_CONFLICT": "The server has detected a conflict while processing this request.",
    "INTERNAL_SERVER_ERROR": "An internal server error occurred.",
}
_STATUSES = {
    "INVALID_REQUEST": 400,
    "UNPROCESSABLE_ENTITY": 422,
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "INTERNAL_SERVER_ERROR": 500,
}


class PaypalError(NotDone):
    """An answer that is an error."""

    def __init__(self, status: int, body: Payload) -> None:
        details = body.get("details")
        told = details[0] if details else body
        super().__init__(str(told.get("description") or told.get("issue") or body))
        self.status = status
        self.body = body


def error(name: str, issue: str = "", description: str = "", field: str = "") -> PaypalError:
    """One of PayPal's named errors, with what exactly is wrong."""
    detail = {"field": field, "issue": issue, "description": description}
    body: Payload = {
        "name": name,
        "message": _MESSAGES[name],
        "debug_id": "5a4db0c5a4db0",
        "details": [{key: value for key, value in detail.items() if value}] if issue else [],
        "links": [],
    }
    return PaypalError(_STATUSES[name], body)


def invalid(field: str, issue: str = "INVALID_PARAMETER_VALUE") -> PaypalError:
    """A request that is malformed."""
    return error("INVALID_REQUEST", issue, "The value of a field is invalid.", field)


def refused(issue: str, description: str = "") -> PaypalError:
    """A request that is well formed and cannot be done."""
    return error("UNPROCESSABLE_ENTITY", issue, description or issue.replace("_", " ").lower())


def not_found() -> PaypalError:
    """Something that the merchant does not have."""
    return error(
        "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "Specified resource ID does not exist."
    )


def bad_token() -> PaypalError:
    """A missing, wrong or stale access token."""
    body = {
        "error": "invalid_token",
        "error_description": "Token signature verification failed",
    }
    return PaypalError(401, body)


def bad_client() -> PaypalError:
    """A wrong client id or secret."""
    body = {"error": "invalid_client", "error_description": "Client Authentication failed"}
    return PaypalError(401, body)
