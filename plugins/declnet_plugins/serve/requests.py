"""The parts of a request: its method, headers and query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qsl

from declnet_plugins.serve.problems import ProblemError

JSON = "application/json"


CSV = "text/csv"


_FORMS = {JSON: "json", CSV: "csv"}
_JSON = JSON.encode()


def require_method(method: str, *allowed: str) -> None:
    """Raise ProblemError for a method that a path does not have."""
    if method not in allowed:
        names = ", ".join(allowed)
        raise ProblemError(
            405, f"{method[:20]} is not allowed here", f"use {names}", {"allow": names}
        )


def _media_type(value: bytes) -> tuple[str, dict[str, str]]:
    kind, *rest = value.decode("latin-1").split(";")
    parameters = dict(parameter.strip().partition("=")[::2] for parameter in rest)
    cleaned = {name.strip().lower(): value.strip().strip('"') for name, value in parameters.items()}
    return kind.strip().lower(), cleaned


def body_form(headers: dict[bytes, bytes], default: str = "") -> str:
    """Return what a body is, `json` or `csv`; raise ProblemError for anything else.

    Args:
        default: the media type of a body without one.
    """
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity":
        raise ProblemError(415, "compressed bodies are not accepted", "send it uncompressed")
    content_type = headers.get(b"content-type", default.encode())
    if content_type == _JSON:
        return "json"
    kind, parameters = _media_type(content_type)
    if kind not in _FORMS:
        raise ProblemError(415, "the body must be JSON or CSV", f"Content-Type: {JSON} or {CSV}")
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ProblemError(415, "the body must be UTF-8", f"Content-Type: {kind}; charset=utf-8")
    return _FORMS[kind]


def accepted_form(headers: dict[bytes, bytes]) -> str:
    """Return what to answer, the form of the highest quality in Accept; in a tie JSON."""
    header = headers.get(b"accept", b"*/*")
    if header in (b"*/*", _JSON):
        return "json"
    best = {"json": 0.0, "csv": 0.0}
    exactness = {"json": -1, "csv": -1}
    for choice in header.split(b","):
        kind, parameters = _media_type(choice)
        try:
            quality = min(1.0, max(0.0, float(parameters.get("q", "1"))))
        except ValueError:
            quality = 0.0
        for media_type, form in _FORMS.items():
            main = media_type.partition("/")[0]
            rank = (kind == "*/*", kind == f"{main}/*", kind == media_type)
            if any(rank) and rank.index(True) > exactness[form]:
                exactness[form], best[form] = rank.index(True), quality
    if not any(best.values()):
        raise ProblemError(406, f"answers are {JSON} or {CSV}", f"Accept: {JSON}")
    return "csv" if best["csv"] > best["json"] else "json"


@dataclass(frozen=True)
class Query:
    """Options of a request for predictions.

    Attributes:
        spread: whether an ensemble's predictions have their standard deviation.
        on_error: whether a row that cannot be predicted is a problem of the request, or has empty
            predictions with the reason.
    """

    spread: bool = False
    on_error: Literal["fail", "empty"] = "fail"

    @classmethod
    def of(cls, query: bytes) -> Query:
        """Return the parameters of a query; raise ProblemError for others."""
        fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ()
        return _PLAIN.with_parameters(fields)

    def with_parameters(self, parameters: Iterable[tuple[str, Any]]) -> Query:
        """Return this query with other parameters; raise ProblemError for unknown ones."""
        fields: dict[str, Any] = {}
        for name, value in parameters:
            text = str(value).lower() if type(value) is bool else value
            if type(text) is not str or text not in _PARAMETERS.get(name, {}):
                known = "spread: true or false; on_error: fail or empty"
                raise ProblemError(400, "unknown query parameter or value", known)
            fields[name] = _PARAMETERS[name][text]
        return replace(self, **fields) if fields else self

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of the parameters."""
        return tuple(_PARAMETERS)


_PLAIN = Query()

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "spread": {"true": True, "false": False},
    "on_error": {"fail": "fail", "empty": "empty"},
}
