"""Templates: spec files to run unchanged or adapt, and a spec tailored to a table."""

import json
from importlib.resources import files
from typing import ClassVar

from declnet import DataError, Registry
from declnet_plugins.new import TableProfile, Template
from declnet_plugins.standard.templates.plan import (
    Features,
    Plan,
    different_texts,
    features_of,
    folds_for,
    is_unread_text,
    is_unspaced,
    odd_date,
    sizes_for,
)
from declnet_plugins.standard.templates.suggestions import notes_on
from declnet_plugins.standard.templates.texts import ROWS_IN_FOLDS, sizes_of_texts
from declnet_plugins.standard.templates.writing import spec_text

SCIKIT_LEARN = "scikit-learn>=1.5"

MOST_NOTES = 3
"""Maximum number of columns of texts that are left out to explain."""


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


class Images(ExampleTemplate):
    """Convolutions, for handwritten digits (needs scikit-learn)."""

    type = "images"
    requires = (SCIKIT_LEARN,)


class OwnData(ExampleTemplate):
    """Your arrays, from a NumPy file data.npz that you write."""

    type = "own_data"


class MLP(Template):
    """A multilayer perceptron of two hidden layers, with dropout and weight decay."""

    type = "mlp"
    several_targets = True
    hidden: ClassVar[bool] = True

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return a dense network with the preparation, loss and sizes to suit the table."""
        return plain_spec(table, registry, hidden=self.hidden)

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return how texts and rare values are treated, and how to read what is left out."""
        return table_notes(table)


class Linear(MLP):
    """A linear or logistic regression: quick to train, and a bar for other models to clear."""

    type = "linear"
    hidden = False


class TableTemplate(MLP, ExampleTemplate):
    """Columns on different scales: your table (--data), or wines (needs scikit-learn)."""

    type = "table"
    requires = (SCIKIT_LEARN,)


def plain_spec(table: TableProfile, registry: Registry, *, hidden: bool) -> str:
    """Return the spec of a dense or, without hidden layers or with texts alone, a linear model."""
    features = usable_features_of(table)
    kinds = ("callback", "schedule", "transform", "calibrator")
    installed = frozenset(type_ for kind in kinds for type_ in registry.types(kind))
    folds = folds_for(table, quick=not features.others and table.rows <= ROWS_IN_FOLDS)
    sizes = sizes_for(table, folds)
    if not features.others:
        hidden, sizes = False, sizes_of_texts(sizes, table.rows)
    return spec_text(Plan(table, features, sizes, installed, hidden, folds))


def table_notes(table: TableProfile, where: str | None = None) -> tuple[str, ...]:
    """Return how texts, rare values and targets are treated, and how to read what is left out.

    Args:
        where: how to try another loss that is suggested; default: where it is in the spec.
    """
    features = features_of(table)
    beside = ", in addition to the other columns" if features.others else ""
    read = [
        f'column "{text.name}" is read as text, by its '
        f"{'characters' if is_unspaced(text) else 'words and pairs of words'}{beside}"
        for text in features.texts
    ]
    many = [column for column, _ in features.left_out if is_unread_text(column)]
    unread = [column for column in many if column.odd_date is None]
    left_out = [
        f'column "{column.name}" is left out: {odd_date(column)}; write all alike, or leave out '
        "the row"
        for column in many
        if column.odd_date is not None
    ]
    left_out += [
        f'column "{column.name}" is left out: {different_texts(column)}; to read them, make it a '
        "separate input in [data.inputs], and add to prepare "
        f'{{ type = "tokenize", columns = {json.dumps([column.name], ensure_ascii=False)}, '
        f'unit = "{"characters" if column.most_words <= 1 else "words"}" }}'
        for column in unread[:MOST_NOTES]
    ]
    where = where or ("see [losses]" if table.others else "see [loss]")
    more = [note for name in table.others for note in notes_on(table.of_target(name), (), where)]
    return (*read, *left_out, *notes_on(table, features.others, where), *more)


def usable_features_of(table: TableProfile) -> Features:
    """Return the sorted columns of a table; raise DataError if none is useful."""
    features = features_of(table)
    if not features.used:
        reasons = "; ".join(f'"{column.name}": {why}' for column, why in features.left_out[:5])
        raise DataError(
            f'has no column to predict "{table.target}" from',
            hint=reasons or "it has no other column",
        )
    return features
