"""Lists page by page: an opaque cursor says after which row the next page begins."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain import ids
from domain.errors import Refused
from domain.ids import Kind

Row = TypeVar("Row")

_CURSOR = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


class PageIn(BaseModel):
    """Which part of a list is asked for."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: Annotated[str | None, Field(description="`next` of the page before.")] = None

    def after(self, kind: Kind) -> int:
        """The row number after which the page begins; a cursor we never gave out is refused."""
        if self.cursor is None:
            return 0
        number = None
        if _CURSOR.fullmatch(self.cursor):
            number = ids.number(kind, str(UUID(bytes=urlsafe_b64decode(f"{self.cursor}=="))))
        if number is None:
            raise Refused("malformed_cursor", "cursor is not the `next` of a page of this list")
        return number

    @property
    def most(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return self.limit + 1

    def cut(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of the page itself."""
        return rows[: self.limit]

    def next(self, kind: Kind, row_numbers: Sequence[int]) -> str | None:
        """The cursor after this page; None when it is the last one."""
        if len(row_numbers) <= self.limit:
            return None
        last = ids.public(kind, row_numbers[self.limit - 1])
        return urlsafe_b64encode(last.bytes).decode().rstrip("=")
