"""`declnet show`."""

from __future__ import annotations

import tomllib

import pytest

from declnet import load_spec
from declnet.spec.model import resolved_document

CHANGES = {"training.epochs": 7, "seed": 3, "name": "top # 2"}
SET = [f"--set={key}={value!r}" for key, value in CHANGES.items()]


@pytest.mark.parametrize("folder", ["specs", "tests/corpus/specs"])
def test_the_whole_spec_is_shown_with_the_place_of_each_value(
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


def test_the_stored_spec_of_a_run_and_of_its_pack_is_shown(
    declnet_cli, refused, document, spec_file, tmp_path
):
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--out", "run", "--set", "seed=5")
    declnet_cli.succeeds("pack", "run", "-o", "run.declnet")
    for run in ("run", "run.declnet"):
        shown = declnet_cli.succeeds("show", run)
        assert tomllib.loads(shown) == resolved_document(load_spec(spec, {"seed": 5}))
    assert "--set changes a spec" in refused("show", "run", "--set", "seed=6")
    assert "not a run's folder" in refused("show", ".")
    (tmp_path / "run/spec.toml").write_text(shown.replace("seed = 5", "seed = 6"))
    assert "spec.toml" in refused("show", "run")
