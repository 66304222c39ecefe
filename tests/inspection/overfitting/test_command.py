"""`declnet overfit`: output and exit code."""

from __future__ import annotations

import pytest


@pytest.fixture
def spec(document, changed, spec_file):
    def write(**values):
        dotted = {key.replace("__", "."): value for key, value in values.items()}
        return spec_file(changed(document, {"optimizer": "adam"} | dotted))

    return write


RATE = {"type": "adam", "learning_rate": 0.05}


def test_the_faulty_layer_is_reported_with_its_position(declnet_cli, spec):
    path = spec(optimizer=RATE, model__layers__0__weight_initializer="zeros")
    done = declnet_cli("overfit", path, "--updates", 100)
    assert (done.returncode, done.stderr) == (1, "")
    assert "would be about zero" in done.stdout
    assert done.stdout.splitlines()[-3:] == [
        'error: "dense_1": all its weights start as 0, so its units cannot become different',
        f"  --> {path}:1:{path.read_text('utf-8').index(chr(34) + 'dense') + 1}",
        "  = help: use a random initializer",
    ]
