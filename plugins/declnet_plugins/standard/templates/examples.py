"""Templates: spec files to run unchanged or adapt, and short specs for a table."""

from importlib.resources import files

from declnet_plugins.new import Template
from declnet_plugins.standard.templates.dense import MLP, Linear
from declnet_plugins.standard.templates.short_spec import PresetTemplate

SCIKIT_LEARN = "scikit-learn>=1.5"


class ExampleTemplate(Template):
    """A spec in the file `specs/<type>.toml`."""

    def spec(self) -> str:
        """Return the file's text."""
        return (
            files("declnet_plugins.standard.templates") / "specs" / f"{self.type}.toml"
        ).read_text("utf-8")


class Classification(ExampleTemplate):
    """One of several classes, for points on a spiral."""

    type = "classification"
    default_for = "example"


class Binary(ExampleTemplate):
    """Yes or no, for points on a spiral of two arms."""

    type = "binary"


class Regression(ExampleTemplate):
    """Numbers, for the sine."""

    type = "regression"


class OwnData(ExampleTemplate):
    """Your arrays, from a NumPy file data.npz that you write."""

    type = "own_data"


class MLPTemplate(PresetTemplate):
    """A multilayer perceptron of two hidden layers, with dropout and weight decay."""

    type = "mlp"
    preset = MLP


class LinearTemplate(PresetTemplate):
    """A linear or logistic regression: quick to train, and a bar for other models to clear."""

    type = "linear"
    preset = Linear


class TableTemplate(PresetTemplate, ExampleTemplate):
    """Columns on different scales: your table (--data), or wines (needs scikit-learn)."""

    type = "table"
    preset = MLP
    requires = (SCIKIT_LEARN,)
