"""Example templates: spec files to run unchanged or adapt."""

from importlib.resources import files

from declnet import Template

SCIKIT_LEARN = "scikit-learn>=1.5"


class ExampleTemplate(Template):
    """A spec in the file `specs/<type>.toml`."""

    def spec(self) -> str:
        """Return the file's text."""
        return (files("declnet_standard.templates") / "specs" / f"{self.type}.toml").read_text(
            "utf-8"
        )


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


class Images(ExampleTemplate):
    """Convolutions, for handwritten digits (needs scikit-learn)."""

    type = "images"
    requires = (SCIKIT_LEARN,)


class OwnData(ExampleTemplate):
    """Your arrays, from a NumPy file data.npz that you write."""

    type = "own_data"
