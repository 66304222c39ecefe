"""`declnet show`."""

from __future__ import annotations

import tomllib

import pytest

from declnet import load_spec
from declnet.spec.model import resolved_document

CHANGES = {"training.epochs": 7, "seed": 3, "name": "top # 2"}
SET = [f"--set={key}={value!r}" for key, value in CHANGES.items()]


@pytest.mark.parametrize("folder", ["specs", "tests/corpus/specs"])
def test_what_is_shown_is_the_whole_spec_with_the_place_of_each_value(
    declnet_cli, repository, tmp_path, folder
):
    again = tmp_path / "again.toml"
    for path in sorted((repository / folder).rglob("*.toml")):
        shown = declnet_cli.succeeds("show", path, *SET)
        again.write_text(shown, "utf-8")
        spec = load_spec(path, CHANGES)
        assert load_spec(again) == spec
        document, written = tomllib.loads(shown), tomllib.loads(path.read_text("utf-8"))
        assert document.get("sweep") == written.get("sweep")
        if not {"sweep", "tune"} & set(written):
            assert document == resolved_document(spec)
        assert "epochs = 7  # --set" in shown
        assert f"{path.name}:" in shown or "extends" in written
