"""`declnet find-rate`: its output, and the file that `--apply` edits."""

from __future__ import annotations

import os
import re
import stat

import pytest

SPEC = """\
#:schema ./spec.schema.json
# Three corners, with a rate that is much too low.
declnet = 1
loss = "categorical_crossentropy"
data.train = { type = "npz", path = "data.npz" }

[model]
layers = [{ type = "dense", units = 8 }, "relu", { type = "dense", units = 3 }, "softmax"]

[optimizer]
type = "adam"
learning_rate   = 1e-6   # from a paper

[training]
epochs = 120
"""


@pytest.fixture
def spec(document, spec_file):
    """A spec whose rate is too low, and its data."""
    return spec_file(SPEC, "low.toml")


def suggested(out):
    match = re.search(r"^suggested: optimizer\.learning_rate\S* = (\S+), (.+)$", out, re.MULTILINE)
    assert match is not None, out
    return match[1], match[2]


def test_the_suggestion_is_explained_and_nothing_is_written(declnet_cli, spec):
    before = sorted(declnet_cli.folder.rglob("*"))
    done = declnet_cli("find-rate", spec)
    assert done.returncode == 0
    rate, reason = suggested(done.stdout)
    assert 1e-3 < float(rate) < 1
    shown = r"lowest training loss of \d+ rates: \S+ in \d+ updates \(the spec's 1e-6: .+\)"
    assert re.fullmatch(shown, reason)
    assert re.search(r"^range test: rates 1e-6 to \S+ in \d+ updates, ", done.stdout, re.MULTILINE)
    assert re.search(r"^  [▁▂▃▄▅▆▇█]{20,64}$", done.stdout, re.MULTILINE)
    assert re.search(r"^cost: \S+ runs \(\d+ updates\)$", done.stdout, re.MULTILINE)
    assert spec.read_text("utf-8") == SPEC
    assert sorted(declnet_cli.folder.rglob("*")) == before
    assert declnet_cli("find-rate", spec).stdout == done.stdout


def test_apply_writes_only_the_rate(declnet_cli, spec):
    spec.write_bytes(b"\xef\xbb\xbf" + SPEC.replace("\n", "\r\n").encode())
    spec.chmod(0o640)
    link = spec.with_name("link.toml")
    link.symlink_to(spec.name)
    done = declnet_cli("find-rate", link, "--apply")
    rate, _ = suggested(done.stdout)
    expected = SPEC.replace("= 1e-6 ", f"= {rate} ").replace("\n", "\r\n")
    assert spec.read_bytes() == b"\xef\xbb\xbf" + expected.encode()
    assert done.stdout.endswith(f"written to {link}\n")
    assert link.is_symlink()
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640


def test_apply_overrides_the_rate_of_a_base(declnet_cli, spec, spec_file):
    schedule = '{ type = "warmup", steps = 5, schedule = { type = "cosine", initial_rate = 9.0 } }'
    base = spec_file(SPEC.replace("1e-6", schedule), "base.toml")
    top = spec_file('extends = "base.toml"\n# mine\n', "top.toml")
    rate, _ = suggested(declnet_cli("find-rate", top, "--apply", "--budget", 0).stdout)
    assert top.read_text("utf-8") == (
        'extends = "base.toml"\n# mine\n\n[optimizer.learning_rate.schedule]\n'
        f"initial_rate = {rate}\n"
    )
    assert "9.0" in base.read_text("utf-8")
    assert f"initial_rate = {rate}  # top.toml:5" in declnet_cli.succeeds("show", "top.toml")


def refused(done):
    assert (done.returncode, done.stdout) == (2, "")
    assert "range test" not in done.stderr
    return done.stderr


def test_apply_is_refused_before_the_training(declnet_cli, spec, document, spec_file):
    refusal = refused(declnet_cli("find-rate", spec, "--apply", "--set", "seed=1"))
    assert "--apply cannot be combined with --set" in refusal
    if os.geteuid():  # root may write anything
        spec.chmod(0o444)
        assert "low.toml: cannot be written" in refused(declnet_cli("find-rate", spec, "--apply"))


def test_apply_does_not_write_a_file_that_changed_meanwhile(declnet_cli, spec_file, spec):
    spec_file(SPEC.replace("epochs = 120", "epochs = 5000"), spec.name)
    with declnet_cli.start("find-rate", spec, "--apply") as process:
        assert process.stdout.readline().startswith("range test:")
        spec.write_text(SPEC, "utf-8")
        out, err = process.communicate(timeout=60)
    rate = err.split("set the learning rate to ")[1].removesuffix(" by hand\n")
    assert err.startswith(f"error: {spec.resolve()} was changed in the meantime; ")
    assert 1e-3 < float(rate) < 1
    assert (process.returncode, "written to" in out) == (2, False)
    assert spec.read_text("utf-8") == SPEC
