from __future__ import annotations

from collections.abc import Callable

import pytest

from declnet.spec.positions.span import Span


@pytest.fixture(scope="session")
def cut() -> Callable[[str, Span], str]:
    """The text of a span; by counting, apart from what is tested."""

    def text_of(text: str, span: Span) -> str:
        lines = text.split("\n")
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        start = sum(len(line) + 1 for line in lines[: span.line - 1]) + span.column - 1
        end = sum(len(line) + 1 for line in lines[: span.end_line - 1]) + span.end_column - 1
        return text[start:end]

    return text_of
