"""`declnet show` as people start it."""

from __future__ import annotations

import tomllib

import pytest


@pytest.fixture
def files(spec_file, document):
    """A spec, `top.toml`, that extends another, `base.json`."""
    spec_file(document, "base.json")
    return spec_file('extends = "base.json"\n[training]\nepochs = 7\n', "top.toml")


def test_each_value_says_where_it_came_from(declnet_cli, files):
    out = declnet_cli.succeeds("show", "top.toml", "--set", "seed=5")
    for line in (
        "seed = 5  # --set",
        "epochs = 7  # top.toml:3",
        'name = "small"  # base.json:1',
        "log_every = 1  # default",
    ):
        assert f"\n{line}\n" in out
    assert not out.endswith("\n\n")


def test_what_it_prints_is_a_spec_that_says_the_same(declnet_cli, files, spec_file, tmp_path):
    out = declnet_cli.succeeds("show", "top.toml")
    spec_file(out, "whole.toml")
    assert tomllib.loads(declnet_cli.succeeds("show", "whole.toml")) == tomllib.loads(out)
    assert declnet_cli.succeeds("diff", "top.toml", "whole.toml") == "no differences\n"
    declnet_cli.succeeds("run", "whole.toml", "--quiet")


def test_it_needs_no_data(declnet_cli, files, tmp_path):
    (tmp_path / "data.npz").unlink()
    assert 'type = "npz"' in declnet_cli.succeeds("show", "top.toml")


def test_a_wrong_spec_is_told_and_not_shown(declnet_cli, files):
    done = declnet_cli("show", "top.toml", "--set", "training.epochs=0", "--set", "sead=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        'error[E013]: "epochs" must be at least 1, not 0\n --> --set:1:17'
    )
    assert 'error[E010]: unknown key "sead"\n --> --set:2:1\n' in done.stderr
    assert "\n2 errors; " in done.stderr


def test_a_missing_file_is_told(declnet_cli):
    done = declnet_cli("show", "absent.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[E001]: there is no such file\n --> absent.toml\n")
