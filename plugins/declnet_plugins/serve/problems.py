"""Errors as RFC 9457 problem details, `application/problem+json`."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from declnet import DataError

MEDIA_TYPE = "application/problem+json"

_PLACE = re.compile(r'(?:row|sample|window) (\d+)(?:, column "(.+?)"(?: |:|,|$))?')
_COLUMN = re.compile(r'(?:there is no )?column "(.+?)"(?: |:|,|$)')


class ProblemError(Exception):
    """A request that cannot be answered.

    Attributes:
        status: the HTTP status.
        detail: what is wrong.
        help: a suggested fix, if known.
        headers: further headers of the response.
        members: further members of the document, e.g. `row`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        help: str | None = None,  # noqa: A002  # as in a Diagnostic
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.help = status, detail, help
        self.headers, self.members = headers or {}, members

    @classmethod
    def of(cls, error: DataError) -> ProblemError:
        """Return declnet's error about the rows of a request, with the row and column it names."""
        members: dict[str, Any] = {"code": error.code}
        message = error.message.removeprefix("the body: ")
        if place := _PLACE.match(message):
            members["row"] = int(place[1])
            if place[2] is not None:
                members["column"] = place[2]
        elif place := _COLUMN.match(message):
            members["column"] = place[1]
        return cls(422, message, error.hint, **members)

    def document(self, request: str) -> bytes:
        """Return the document, whose `request` is the request's identifier."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.help is not None:
            content["help"] = self.help
        content |= self.members
        content["request"] = request
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
