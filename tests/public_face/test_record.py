"""The public face equals its record, so that reviews show each change."""

from __future__ import annotations

from .recorded import difference, now


def test_the_public_face_is_as_recorded(declnet_cli, tmp_path):
    changes = difference(now(tmp_path, declnet_cli))
    assert not changes, "\n".join(
        [*changes[:200], "", "If it is meant: python -m tests.public_face --accept"]
    )
