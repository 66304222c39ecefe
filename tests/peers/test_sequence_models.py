"""The shipped specs of sequences against PyTorch's networks, weight for weight."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import wanted_targets
from declnet.data.streaming.fitting import prepared_sets

torch = pytest.importorskip("torch")

EPOCHS = 1
RATE = 0.005
CHANGES = {
    "model.dtype": "float64",
    "training.epochs": EPOCHS,
    "training.shuffle": False,
    "training.log_every": 1,
    "optimizer.learning_rate": RATE,
    "optimizer.epsilon": 1e-8,
}


class WithLSTM(torch.nn.Module):
    """The network of strokes_lstm.toml; of torch's two biases, only the first is trained."""

    def __init__(self, w):
        super().__init__()
        units = len(w["lstm_1.recurrent_weights"])
        self.lstm = torch.nn.LSTM(2, units, batch_first=True, bidirectional=True).double()
        for prefix, suffix in (("", ""), ("backward_", "_reverse")):
            for name, peer in (
                ("weights", "weight_ih"),
                ("recurrent_weights", "weight_hh"),
                ("biases", "bias_ih"),
            ):
                i, f, o, g = np.split(w[f"lstm_1.{prefix}{name}"], 4, axis=-1)
                array = np.concatenate([i, f, g, o], axis=-1).T
                getattr(self.lstm, f"{peer}_l0{suffix}").data = torch.tensor(array.copy())
            second = getattr(self.lstm, f"bias_hh_l0{suffix}")
            second.data.zero_()
            second.requires_grad_(False)
        self.dense = linear(w, "dense_1")

    def forward(self, x, lengths):
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(packed)
        return self.dense(torch.cat(tuple(last), dim=1))


class WithAttention(torch.nn.Module):
    """The network of strokes_attention.toml."""

    def __init__(self, w):
        super().__init__()
        self.convolutions = torch.nn.ModuleList()
        for name in ("conv1d_1", "conv1d_2"):
            kernel, features, filters = w[f"{name}.weights"].shape
            layer = torch.nn.Conv1d(features, filters, kernel, padding="same").double()
            layer.weight.data = torch.tensor(w[f"{name}.weights"].transpose(2, 1, 0).copy())
            layer.bias.data = torch.tensor(w[f"{name}.biases"])
            self.convolutions.append(layer)
        own, three = "multi_head_attention_1", ("query", "key", "value")
        self.attention = torch.nn.MultiheadAttention(filters // 2, 4, batch_first=True).double()
        for array, part in (("weight", "weights"), ("bias", "biases")):
            joined = np.concatenate([w[f"{own}.{name}_{part}"].T for name in three])
            getattr(self.attention, f"in_proj_{array}").data = torch.tensor(joined)
            output = torch.tensor(w[f"{own}.output_{part}"].T.copy())
            getattr(self.attention.out_proj, array).data = output
        self.dense = linear(w, "dense_1")

    def forward(self, x, lengths):
        outside = torch.arange(x.shape[1]) >= lengths[:, None]

        def convolved(layer, x):
            masked = x.masked_fill(outside[:, :, None], 0)
            y = torch.relu(layer(masked.transpose(1, 2)).transpose(1, 2))
            return y.masked_fill(outside[:, :, None], 0)

        first = convolved(self.convolutions[0], x)
        k = torch.arange(first.shape[2])
        angles = torch.arange(x.shape[1])[:, None] * 10000.0 ** (-(k - k % 2) / len(k)).double()
        placed = first + torch.where(k % 2 == 1, torch.cos(angles), torch.sin(angles))
        seen, _ = self.attention(placed, placed, placed, key_padding_mask=outside)
        last = convolved(self.convolutions[1], first + seen)
        return self.dense(last.masked_fill(outside[:, :, None], -torch.inf).amax(dim=1))


def linear(w, name):
    layer = torch.nn.Linear(*w[f"{name}.weights"].shape).double()
    layer.weight.data = torch.tensor(w[f"{name}.weights"].T.copy())
    layer.bias.data = torch.tensor(w[f"{name}.biases"])
    return layer


def tensors(dataset):
    x = torch.tensor(np.array(dataset.x["x"], "float64"))
    lengths = torch.tensor(np.array(dataset.x["lengths"], "int64"))
    return x, lengths, torch.tensor(np.array(dataset.y, "int64"))


@pytest.mark.parametrize(
    ("file", "network"),
    [("strokes_lstm.toml", WithLSTM), ("strokes_attention.toml", WithAttention)],
)
def test_training_gives_the_test_metrics_of_pytorch(repository, file, network):
    spec = declnet.load_spec(repository / "specs" / file, CHANGES)
    sets = prepared_sets(spec.data, wanted_targets(spec.heads), spec.seed)
    start = declnet.build_model(spec.model, sets.input_infos, spec.seed).parameters()
    peer, cross_entropy = network(start), torch.nn.functional.cross_entropy
    torch.set_num_threads(1)  # threads that wait for busy processors take twenty times as long
    trained = [each for each in peer.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=RATE, eps=1e-8)
    x, lengths, y = tensors(sets.datasets["train"])
    for _ in range(EPOCHS):
        for at in range(0, len(y), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            cross_entropy(peer(x[part], lengths[part]), y[part]).backward()
            optimizer.step()
    found = declnet.run(spec).metrics["test"]
    x, lengths, y = tensors(sets.datasets["test"])
    with torch.no_grad():
        y_pred = peer(x, lengths)
        loss = float(cross_entropy(y_pred, y))
    assert found["loss"] == pytest.approx(loss, rel=1e-7)
    assert found["accuracy"] == float((y_pred.argmax(dim=1) == y).double().mean())
