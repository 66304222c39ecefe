"""Responses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from declnet_plugins.serve.problems import MEDIA_TYPE, ProblemError
from declnet_plugins.serve.requests import JSON


class Reply:
    """A response.

    Attributes:
        status: the HTTP status.
        body: its content.
        kind: its media type.
        headers: further headers.
        about: members of the request's line in the log.
    """

    __slots__ = ("about", "body", "headers", "kind", "status")

    def __init__(
        self,
        body: bytes,
        kind: str = JSON,
        status: int = 200,
        headers: Iterable[tuple[bytes, bytes]] = (),
        about: dict[str, Any] | None = None,
    ) -> None:
        self.status, self.body, self.kind = status, body, kind
        self.headers, self.about = headers, about or {}


def json_reply(content: Any, status: int = 200, kind: str = JSON, **others: Any) -> Reply:
    """Return a response of JSON; the others are arguments of `Reply`."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(body, kind, status, **others)


def problem_reply(problem: ProblemError, request: str, *, is_v2: bool = False) -> Reply:
    """Return the response for a problem of a request, by the request's identifier.

    Args:
        is_v2: whether it is the object of the Open Inference Protocol.
    """
    headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    about = {"problem": problem.members.get("code", problem.status)}
    kind = JSON if is_v2 else MEDIA_TYPE
    document = problem.document(request, is_v2=is_v2)
    return json_reply(document, problem.status, kind, headers=headers, about=about)
