"""Templates: the specs of the repository's folder `specs/`, with their files."""

import json
import posixpath
from pathlib import Path
from typing import ClassVar

import tomli_w

from declnet_plugins.new import Template
from declnet_plugins.standard.templates.examples import SCIKIT_LEARN

PACKAGED = Path(__file__).with_name("shipped_specs")
"""The folder `specs/` in a wheel."""

SPECS = PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[4] / "specs"
"""The folder with the specs; in an editable installation, the repository's."""


class ShippedSpec(Template):
    """A spec of `specs/`, without the reference to the schema that only the repository has."""

    file: ClassVar[str] = ""
    """Its path in `specs/`; default: `<type>.toml`."""
    with_files: ClassVar[tuple[str, ...]] = ()
    """Paths of the files that come with it, relative to it: specs that it extends, its data, others
    to compare with it."""

    def spec(self) -> str:
        """Return the text as TOML."""
        file = self.file or f"{self.type}.toml"
        text = _without_schema(SPECS / file)
        if not file.endswith(".json"):
            return text
        document = json.loads(text)
        del document["$schema"]
        return tomli_w.dumps(document)

    def files(self) -> dict[str, bytes]:
        """Return the files that come with it."""
        folder = posixpath.dirname(self.file)
        paths = {name: SPECS / folder / name for name in self.with_files}
        return {
            name: _without_schema(path).encode() if path.suffix == ".toml" else path.read_bytes()
            for name, path in paths.items()
        }


def _without_schema(path: Path) -> str:
    first, _, rest = path.read_text("utf-8").partition("\n")
    return rest if first.startswith("#:schema") else f"{first}\n{rest}"


class Demand(ShippedSpec):
    """A week of sales, forecast from four weeks and the planned promotions."""

    type = "demand"
    with_files = ("data/demand.csv",)


class DigitsConvolution(ShippedSpec):
    """Handwritten digits, with convolutions (needs scikit-learn)."""

    type = "digits_convolution"
    requires = (SCIKIT_LEARN,)


class FineTuning(ShippedSpec):
    """A new head on convolutions that base.toml has trained (needs scikit-learn)."""

    type = "fine_tuning"
    file = "fine_tuning/tuned.toml"
    with_files = ("base.toml",)
    requires = (SCIKIT_LEARN,)


class Messages(ShippedSpec):
    """Short texts by subject, with an embedding of their words."""

    type = "messages"
    with_files = ("data/messages.csv",)


class Optimizers(ShippedSpec):
    """The book's comparison of five optimizers, one spec for each."""

    type = "spiral_optimizers"
    file = "optimizers/adam.toml"
    with_files = ("adagrad.toml", "rmsprop.toml", "sgd.toml", "sgd_momentum.toml")


class QuantileRegression(ShippedSpec):
    """Three quantiles of rents."""

    type = "quantile_regression"
    with_files = ("data/rents.csv",)


class Regularization(ShippedSpec):
    """L1, L2, dropout and more data against overfitting, one spec for each."""

    type = "spiral_regularization"
    file = "regularization/none_1000.toml"
    with_files = (
        "base/spiral.toml",
        "none_1000.toml",
        "none_100.toml",
        "dropout_1000.toml",
        "dropout_100.toml",
        "l1_1000.toml",
        "l1_100.toml",
        "l1_l2_1000.toml",
        "l1_l2_100.toml",
        "l2_1000.toml",
        "l2_100.toml",
    )


class ResidualBlocks(ShippedSpec):
    """Handwritten digits, with six residual blocks (needs scikit-learn)."""

    type = "residual_blocks"
    requires = (SCIKIT_LEARN,)


class ShapesConvolution(ShippedSpec):
    """Images in folders, which a script makes (needs Pillow)."""

    type = "shapes_convolution"
    with_files = ("data/make_shapes.py",)
    requires = ("pillow>=11.1",)


class SineRegression(ShippedSpec):
    """The sine, as in chapter 17 of the book."""

    type = "sine_regression"


class SpiralAdam(ShippedSpec):
    """The book's main run: a spiral of three arms, L2, Adam."""

    type = "spiral_adam"


class SpiralBinary(ShippedSpec):
    """Two arms of a spiral, with one probability, as in chapter 16 of the book."""

    type = "spiral_binary"


class SpiralDropout(ShippedSpec):
    """Dropout on the spiral, as in chapter 15 of the book."""

    type = "spiral_dropout"


class SpiralMinibatch(ShippedSpec):
    """The spiral in mini-batches, with validation data."""

    type = "spiral_minibatch"


class StrokesAttention(ShippedSpec):
    """Movements of a pen, with convolution and attention."""

    type = "strokes_attention"
    with_files = ("strokes_lstm.toml", "data/strokes.npz")


class StrokesLSTM(ShippedSpec):
    """Movements of a pen, sequences of unequal length, with an LSTM."""

    type = "strokes_lstm"
    with_files = ("data/strokes.npz",)


class TuneDigits(ShippedSpec):
    """A network for digits whose keys `declnet tune` searches (needs scikit-learn, Optuna)."""

    type = "tune_digits"
    requires = (SCIKIT_LEARN, "optuna>=5.0")


class TwoHeads(ShippedSpec):
    """Two targets of a table of wines, on one trunk."""

    type = "two_heads"
    with_files = ("data/wine.csv",)


class TwoInputs(ShippedSpec):
    """Numbers and categories of a table as two inputs."""

    type = "two_inputs"
    with_files = ("data/rents.csv",)


class VerticalSGD(ShippedSpec):
    """Vertical groups of points, with SGD and momentum, in float64."""

    type = "vertical_sgd"
    file = "vertical_sgd.json"


class WineResidual(ShippedSpec):
    """A table of wines, with residual blocks (needs scikit-learn)."""

    type = "wine_residual"
    requires = (SCIKIT_LEARN,)
