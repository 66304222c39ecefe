"""PyTorch's networks predict the same after `declnet import`."""

from __future__ import annotations

import warnings

import pytest

from declnet import default_registry
from declnet_plugins.exchange import import_network

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.importing.importer import OnnxImporter  # noqa: E402

nn = torch.nn


class Recurrent(nn.Module):
    """A recurrent layer, then a linear one on all steps or on the last."""

    def __init__(self, kind, *, both):
        super().__init__()
        self.layer = kind(5, 6, batch_first=True, bidirectional=both)
        self.linear, self.both = nn.Linear(12 if both else 6, 3), both

    def forward(self, x):
        steps, _ = self.layer(x)
        return self.linear(steps if self.both else steps[:, -1])


class Words(nn.Module):
    """An embedding of five integers."""

    def __init__(self):
        super().__init__()
        self.embedding, self.linear = nn.Embedding(11, 4), nn.Linear(20, 1)

    def forward(self, x):
        return torch.sigmoid(self.linear(self.embedding(x).flatten(1)))


class Two(nn.Module):
    """Two inputs."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(3, 4), nn.Linear(2, 4), nn.Linear(8, 1)

    def forward(self, x, z):
        parts = [torch.tanh(self.a(x)), nn.functional.gelu(self.b(z))]
        return self.c(torch.cat(parts, 1))


def networks():
    dense = nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 8), nn.GELU(), nn.LayerNorm(8)
    return {
        "perceptron": (nn.Sequential(*dense, nn.Mish(), nn.Linear(8, 3), nn.Softmax(1)), (4,)),
        "images": (
            nn.Sequential(
                nn.Conv2d(1, 8, 3, padding=1),
                nn.MaxPool2d(2),
                nn.Conv2d(8, 8, 3, stride=2, groups=2),
                nn.GroupNorm(2, 8),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(8, 10),
            ),
            (1, 16, 16),
        ),
        "steps": (nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten()), (2, 10)),
        "lstm": (Recurrent(nn.LSTM, both=False), (7, 5)),
        "gru of both directions": (Recurrent(nn.GRU, both=True), (7, 5)),
        "words": (Words(), "integers"),
        "two": (Two(), (3,), (2,)),
    }


@pytest.mark.parametrize(("name", "opset"), [*zip(networks(), [17, 20] * 4, strict=False)])
def test_predictions_stay_the_same(name, opset, tmp_path):
    torch.manual_seed(0)
    network, *shapes = networks()[name]
    x = tuple(
        torch.randint(0, 11, (3, 5)) if shape == "integers" else torch.randn(3, *shape)
        for shape in shapes
    )
    names = [f"x{number}" for number in range(len(x))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            x,
            str(tmp_path / "m.onnx"),
            dynamo=False,
            opset_version=opset,
            input_names=names,
            dynamic_axes={name: {0: "n"} for name in names},
        )
    summary = import_network(
        OnnxImporter(), tmp_path / "m.onnx", tmp_path / "m.toml", default_registry()
    )
    assert summary.difference < 1e-6
