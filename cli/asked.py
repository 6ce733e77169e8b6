"""What people type, checked as the API checks what programs send."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.errors import Refused


def text(kind: Any, given: str, option: str) -> str:
    """A text of one of the kinds of `web.api.fields`; Refused by the option it was given with."""
    checked: str = value(kind, given, option)
    return checked


def value(kind: Any, given: str, option: str) -> Any:
    """The same of any kind, such as an amount."""
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise Refused("malformed_option", f"{option}: {error.errors()[0]['msg']}") from error


def text_if_given(kind: Any, given: str | None, option: str) -> str | None:
    """The same of an option that may be left out: None then."""
    return None if given is None else text(kind, given, option)
