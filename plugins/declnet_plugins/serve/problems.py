"""Errors as RFC 9457 problem details, `application/problem+json`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from declnet import DataError

MEDIA_TYPE = "application/problem+json"


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
        """Return declnet's error about the rows of a request, with its row and column."""
        place = {"row": error.row, "column": error.column}
        members: dict[str, Any] = {name: at for name, at in place.items() if at is not None}
        message = error.message.removeprefix("the body: ")
        return cls(422, message, error.hint, code=error.code, **members)

    def document(self, request: str, *, is_v2: bool = False) -> dict[str, Any]:
        """Return the document, whose `request` is the request's identifier.

        Args:
            is_v2: whether it also has `error`, as the Open Inference Protocol demands.
        """
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if is_v2:
            content["error"] = self.detail if self.help is None else f"{self.detail} ({self.help})"
        if self.help is not None:
            content["help"] = self.help
        return {**content, **self.members, "request": request}
