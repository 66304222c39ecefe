"""`--on`: an unusable executor is an error before anything is written."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def test_an_unusable_executor_is_an_error_before_anything_is_written(
    declnet_cli, spec_file, document, tmp_path
):
    spec = spec_file(document)

    def said(*words):
        done = declnet_cli(*words, "--out", "out")
        assert done.returncode != 0
        assert not (tmp_path / "out").exists()
        return done.stderr

    seeds = ("run", spec, "--seeds", "0..1")
    assert "ray" in said(*seeds, "--on", "rai:auto")
    assert 'did you mean "address"?' in said(*seeds, "--on", '{ type = "ray", adress = "auto" }')
    assert "several runs" in said("run", spec, "--on", "ray")
    assert "--jobs applies to runs on this machine" in said(
        "sweep", spec, "--on", "ray", "--jobs", "2"
    )


@pytest.mark.skipif(find_spec("ray") is not None, reason="needs an environment without ray")
def test_a_missing_extra_is_named(declnet_cli, spec_file, document):
    said = declnet_cli("sweep", spec_file(document), "--on", "ray:auto").stderr
    assert "pip install 'declnet[ray]'" in said
