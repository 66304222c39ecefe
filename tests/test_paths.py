"""What is known of a path before it is read."""

from __future__ import annotations

import pytest

from declnet.paths import is_missing


def test_only_what_is_not_there_is_missing(tmp_path):
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    assert not is_missing(file)
    assert not is_missing(tmp_path)
    assert is_missing(tmp_path / "other")
    assert is_missing(file / "below")
    with pytest.raises(OSError, match="File name too long"):
        is_missing(tmp_path / ("n" * 300))
