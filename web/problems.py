"""Refusals as the web tells them: problem documents (RFC 9457) with a stable `code`."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from domain.errors import Refused, TryLater

MEDIA_TYPE = "application/problem+json"

_log = structlog.get_logger(__name__)

# What was asked for makes sense, but not as things stand.
_CONFLICTS = {
    *("already_exists", "credited", "no_seller", "not_a_draft", "not_issued"),
    *("already_linked", "already_assigned", "not_linked", "no_credit", "not_enough_credit"),
    *("nothing_to_refund", "beyond_refundable", "reserved", "sent", "under_way", "ended"),
    *("not_unknown", "told_already"),
    *("beyond_open", "void_invoice", "not_open", "beyond_total", "not_written_off"),
}
_NOT_SAID_BY_THE_ADDRESS = {"unknown_currency"}
_CODES = {
    401: "unauthorized",
    404: "unknown_address",
    405: "method_not_allowed",
    413: "too_large",
    415: "not_json",
    422: "malformed_json",
}


class FieldOut(BaseModel):
    """One field that cannot be what it is, and why."""

    field: str
    code: str
    detail: str


class ProblemOut(BaseModel):
    """Why a request was not done. `code` is stable; `detail` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    fields: list[FieldOut] | None = None


def answer(error: Exception) -> JSONResponse:
    """The response to a request that ended in this error; our own bugs are logged with an id."""
    match error:
        case Refused():
            return _problem(_status(error.code), error.code, error.detail)
        case TryLater():
            seconds = str(max(1, round(error.after.total_seconds())))
            return _problem(503, "try_later", "busy; try again", {"Retry-After": seconds})
        case RequestValidationError():
            return _malformed(error)
        case HTTPException():
            code = _CODES.get(error.status_code, "malformed_request")
            return _problem(error.status_code, code, error.detail, error.headers)
        case _:
            return _bug(error)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def _status(code: str) -> int:
    if code in _CONFLICTS:
        return 409
    if code.startswith("unknown_") and code not in _NOT_SAID_BY_THE_ADDRESS:
        return 404
    return 422


def _malformed(error: RequestValidationError) -> JSONResponse:
    """422; but an id in the address that cannot be one of ours is an unknown address: 404."""
    found = error.errors()
    in_path = [each for each in found if each["loc"][0] == "path"]
    if in_path:
        return _problem(404, in_path[0]["type"], in_path[0]["msg"])
    fields = [
        FieldOut(
            field=".".join(str(part) for part in each["loc"][1:]),
            code=each["type"],
            detail=each["msg"],
        )
        for each in found
    ]
    first = f"{fields[0].field}: {fields[0].detail}".removeprefix(": ")
    return _problem(422, "malformed_request", first, fields=fields)


def _bug(error: Exception) -> JSONResponse:
    id_ = secrets.token_hex(6)
    _log.error("request_failed", error_id=id_, exc_info=error)
    return _problem(500, "internal_error", f"this is our fault; its number is {id_}")


def _problem(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    fields: list[FieldOut] | None = None,
) -> JSONResponse:
    problem = ProblemOut(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, fields=fields
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )
