from __future__ import annotations

import re


def rows(out):
    return [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]


def test_layers_are_printed_with_shapes_and_parameters(declnet_cli, spec_file, document):
    found = rows(declnet_cli.succeeds("check", spec_file(document)))
    assert ["dense_1", "dense", "(n, 4)", "12"] in found
    assert ["relu_1", "relu", "(n, 4)", "0"] in found
    assert ["dense_2", "dense", "(n, 3)", "15"] in found
    assert ["total", "27"] in found
    assert ["parameters", "216 B"] in found


def test_nothing_is_written(declnet_cli, spec_file, document, tmp_path):
    spec = spec_file(document)
    before = sorted(tmp_path.iterdir())
    declnet_cli.succeeds("check", spec)
    assert sorted(tmp_path.iterdir()) == before


def test_overrides_apply(declnet_cli, spec_file, document):
    out = declnet_cli.succeeds("check", spec_file(document), "--set", "model.layers.0.units=1000")
    assert ["dense_1", "dense", "(n, 1000)", "3,000"] in rows(out)


def test_a_huge_model_is_shown_without_allocating_it(declnet_cli, spec_file, document):
    document["model"]["layers"][1:1] = [{"type": "dense", "units": 10**6}] * 2
    done = declnet_cli("check", spec_file(document))
    assert ["dense_3", "dense", "(n, 1000000)", "1,000,001,000,000"] in rows(done.stdout)
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
    assert "GiB of memory, this machine has" in done.stderr


def test_shape_faults_are_found(declnet_cli, spec_file, document):
    document["data"]["train"] = {"type": "nnfs_sine", "samples": 10}
    done = declnet_cli("check", spec_file(document))
    assert done.returncode == 2
    assert "needs labels" in done.stderr
