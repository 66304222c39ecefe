"""Data and layers too large for the machine's memory."""

from __future__ import annotations


def test_data_beyond_the_machines_memory_is_an_error_at_its_key(
    problems, document, tmp_path, monkeypatch
):
    rows = "\n".join(f"{row},{row % 5}" for row in range(100))
    (tmp_path / "series.csv").write_text(f"a,b\n{rows}\n")
    train = {"type": "csv", "path": str(tmp_path / "series.csv"), "target": "b"}
    document["data"] = {"train": train, "windows": {"past": 40}}
    document["model"]["layers"] = [{"type": "flatten"}, {"type": "dense", "units": 1}]
    document["loss"] = {"type": "mean_squared_error"}
    document["training"]["metrics"] = []
    assert problems(document) == []
    monkeypatch.setattr("declnet.contracts.memory.machine_memory", lambda: 40_000)
    (message,) = problems(document)
    assert message.startswith("data.windows: error[E051]: train data: the data needs ")
    assert "60 windows of 40 rows" in message
    # too large for any system to allocate
    monkeypatch.setattr("declnet.contracts.memory.machine_memory", lambda: None)
    spiral = {"type": "nnfs_spiral", "samples": 10**15, "classes": 3}
    document["data"] = {"train": spiral, "prepare": ["standardize"]}
    (message,) = problems(document)
    assert message.startswith("data.train: error[E051]: the data does not fit in this machine's")


def test_biases_of_huge_layers_are_not_initialized(problems, document):
    layers = document["model"]["layers"]
    layers[:0] = [{"type": "reshape", "shape": [2, 1]}, {"type": "lstm", "units": 10**15}]
    assert [
        message.split(" the run")[0] for message in problems(document) if "error" in message
    ] == ["model: error[E051]:"]
