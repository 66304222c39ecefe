"""Writing of a short spec for a table: a preset by name, the data and the training; notes on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from declnet import Registry, class_name
from declnet_plugins.new import ColumnProfile, TableProfile, Template
from declnet_plugins.standard.templates.commented_toml import Line, joined, toml, toml_key
from declnet_plugins.standard.templates.features import (
    Features,
    different_texts,
    features_of,
    is_unread_text,
    is_unspaced,
    odd_date,
    preset_fields,
)
from declnet_plugins.standard.templates.suggestions import (
    holds_counts,
    is_amount,
    may_be_amount,
    notes_on,
    order_of_classes,
    order_of_words,
    percent,
    rare_class,
)
from declnet_plugins.standard.templates.table_preset import TablePreset

WIDTH, MOST_LINES = 96, 6
"""Width of the lines of a list of columns, unless it would have more lines."""

MOST_LEFT_OUT = 6
"""Maximum number of columns whose reason to be left out is in the spec; two fewer for each further
target."""

MOST_TARGETS = 3
"""Maximum number of targets to list one a line."""

TEST = 0.2
"""Fraction to hold out for tests that is suggested where none are."""

TASKS = {"binary": "which of two classes", "classes": "which of {} classes", "values": "a number"}


class PresetTemplate(Template):
    """A template that writes a short spec for a table, which extends a preset.

    Attributes:
        preset: the preset.
        where: how to try another loss that is suggested; None: as a field of the target.
    """

    several_targets = True
    preset: ClassVar[type[TablePreset]]
    where: ClassVar[str | None] = None

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec, with the facts about the table that the preset needs."""
        fields = self._fields(table)
        preset = self.preset.model_validate(fields)
        document = preset.document()
        fields["folds"] = document["data"].get("folds", 1)
        if "tune" in document and "minutes" in self.preset.model_fields:
            fields["minutes"] = document["tune"]["minutes"]
        return joined(
            (
                self._head(table, preset),
                self._preset(table, fields, document),
                _data(table, document),
                _training(document),
                _intervals(table, document),
            )
        )

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return how texts, rare values and targets are treated, and what is left out."""
        about = self.preset.model_validate(self._fields(table)).about()
        return (*table_notes(table, self.where), *about[:1])

    def _fields(self, table: TableProfile) -> dict[str, Any]:
        """Return the fields of the preset; the user's minutes are for presets that search."""
        fields = preset_fields(table)
        if table.minutes is not None and "minutes" in self.preset.model_fields:
            fields["minutes"] = table.minutes
        return fields

    def _head(self, table: TableProfile, preset: TablePreset) -> Iterator[Line]:
        if len(table.targets) > MOST_TARGETS:
            yield f"# Predicts {len(table.targets)} columns."
        else:
            for name, task in table.targets.items():
                what = TASKS[task].format(table.columns[name].distinct)
                yield f"# Predicts {toml(name)}: {what}."
        rows = f"{table.rows:,} rows"
        yield f"# Written by `declnet new` for {rows}; `declnet show` prints all that follows."
        yield from (f"# {line[0].upper()}{line[1:]}." for line in preset.about())
        yield ""
        yield "declnet = 1", "the version of this format"
        yield "seed = 0", "changes the split and the initial weights"
        other = "mlp" if preset.type == "linear" else "linear"
        comment = f'or another that takes the same keys, e.g. "preset:{other}"'
        yield f"extends = {toml(f'preset:{preset.type}')}", comment

    def _preset(
        self, table: TableProfile, fields: dict[str, Any], document: dict[str, Any]
    ) -> Iterator[Line]:
        """Yield what the preset knows about the table, and what is held out."""
        folds = fields.pop("folds")
        test = fields.pop("test", document["data"].get("test"))
        minutes = fields.pop("minutes", None)
        yield "[preset]  # what the preset knows about the table; keys below replace what it writes"
        yield f"rows = {fields.pop('rows')}"
        yield from self._targets(table, fields.pop("targets"))
        yield from _folded("columns", fields.pop("columns"))
        most = max(1, MOST_LEFT_OUT - 2 * len(table.others))
        yield from _left_out(features_of(table), most)
        yield from (f"{key} = {toml(value)}" for key, value in fields.items())
        why = f"models, each with another part as its validation data; 1: one, in 1/{folds} of"
        comment = (
            f"{why} the time" if folds > 1 else "5: five models, whose predictions are averaged"
        )
        yield f"folds = {folds}", comment
        if minutes is not None:
            comment = "how long to search, over all resumptions: declnet resume FOLDER"
            yield f"minutes = {minutes:g}", comment
        what = "fraction held out to measure the finished model"
        if test is not None:
            yield f"test = {toml(test)}", what
        elif "validation" in document["data"] or folds > 1:
            yield f"# test = {TEST:g}", what
        else:
            yield "# too few rows to hold any out; data.test = { … } would name other data"

    def _targets(self, table: TableProfile, targets: list[Any]) -> Iterator[Line]:
        """Yield the targets, and what may suit them better as comments."""
        if len(targets) > MOST_TARGETS:
            yield from _folded("targets", targets)
            return
        is_single = len(targets) == 1
        before, after = ("targets = [", "]") if is_single else ("  ", ",")
        if not is_single:
            yield "targets = ["
        for name, target in zip(table.targets, targets, strict=True):
            yield f"{before}{toml(target)}{after}"
            suggestion = None if self.where else _suggestion(table.of_target(name))
            if suggestion is not None:
                changes, why = suggestion
                yield f"# {before.lstrip()}{toml(_changed(target, changes))}{after}", why
        if not is_single:
            yield "]"


def _changed(target: Any, changes: dict[str, Any]) -> dict[str, Any]:
    return {**(target if isinstance(target, dict) else {"name": target}), **changes}


def _suggestion(table: TableProfile) -> tuple[dict[str, Any], str] | None:
    """Return fields to try for the first target of a table, and why."""
    if order_of_classes(table) is not None:
        return {"loss": "ordinal"}, "may suit classes with an order better"
    if holds_counts(table):
        return {"loss": "poisson"}, "may suit counts better"
    if may_be_amount(table):
        return {"logarithm": True}, "would learn its logarithm, for smaller relative errors"
    return None


def _folded(key: str, items: Sequence[Any]) -> Iterator[str]:
    """Yield a list over few lines."""
    texts = [f"{toml(item)}," for item in items]
    total = sum(len(text) + 1 for text in texts)
    width = max(WIDTH, total // (MOST_LINES - 1))
    if total <= WIDTH - len(key):
        yield f"{key} = [{' '.join(texts)[:-1]}]"
        return
    yield f"{key} = ["
    line = " "
    for text in texts:
        if len(line) + len(text) > width and line.strip():
            yield line
            line = " "
        line += f" {text}"
    yield line
    yield "]"


def _left_out(features: Features, most: int) -> Iterator[Line]:
    """Yield the columns that are not predicted from, with the reasons."""
    for column, reason in features.left_out[:most]:
        yield f"# {toml(column.name)},", f"left out: {reason}"
    if len(features.left_out) > most:
        yield f"# and {len(features.left_out) - most} more columns are left out"


def _data(table: TableProfile, document: dict[str, Any]) -> Iterator[Line]:
    """Yield the section of the data, with what concerns classes."""
    yield "[data]"
    yield from _classes(table)
    held_out = document["data"].keys() & {"folds", "validation", "test"}
    if table.has_copies and held_out:
        comment = "some rows are copies, by which no model should be measured"
        yield "split = { equal_rows_together = true }", comment
    comment = f"{table.unlabeled} rows have no target" if table.unlabeled else "the table"
    train = f"train = {toml(table.source)}"
    if len(train) <= WIDTH:
        yield train, comment
    else:
        yield from ("", f"[data.train]  # {comment}")
        yield from (f"{toml_key(key)} = {toml(value)}" for key, value in table.source.items())


def _classes(table: TableProfile) -> Iterator[Line]:
    """Yield the positive classes, weights and orders of classes."""
    profiles = [table.of_target(name) for name in table.targets]
    positive = {
        profile.target: name
        for profile in profiles
        if (name := _rare_positive(profile)) is not None
    }
    orders = {
        profile.target: list(order)
        for profile in profiles
        if (order := order_of_words(profile)) is not None
    }
    if not table.others and table.task != "values":
        rare = rare_class(table)
        comment = "would give rare classes as much weight as frequent ones"
        if rare is not None:
            comment = f"the class {toml(rare[0])} is rare, {percent(rare[1])} of the rows"
        yield '# class_weights = "balanced"', comment
    if positive:
        comment = "the class that f1, precision and recall are about"
        yield f"positive_class = {_by_target(table, positive)}", comment
    if orders:
        yield f"# class_order = {_by_target(table, orders)}", 'their order, for the loss "ordinal"'


def _by_target(table: TableProfile, values: dict[str, Any]) -> str:
    """Return a value for each target, or just the value if there is one target."""
    return toml(values if table.others else values[table.target])


def _rare_positive(table: TableProfile) -> str | None:
    """Return the rare class of two, unless it is the positive one by default."""
    rare = rare_class(table)
    last = class_name(max(table.columns[table.target].counts, default=""))
    return rare[0] if rare is not None and table.task == "binary" and rare[0] != last else None


def _training(document: dict[str, Any]) -> Iterator[Line]:
    """Yield the section of the training, with what the preset says and may be changed."""
    training = document.get("training", {})
    yield "[training]" if training else "# [training]"
    if "metrics" in training:
        yield f"# metrics = {toml(training['metrics'])}", "the first one matters most"
    if "epochs" in training:
        yield f"# epochs = {training['epochs']}", "passes over the training data, at most"
    else:
        yield "# epochs = 100", "would set the epochs of each model"


def _intervals(table: TableProfile, document: dict[str, Any]) -> Iterator[Line]:
    """Yield the calibration to try for a number."""
    data = document["data"]
    if not table.others and table.task == "values" and data.keys() & {"folds", "validation"}:
        scale = ', scale = "log"' if is_amount(table) else ""
        yield "# [calibration]  # would add an interval to each prediction, by the validation data"
        yield f'# steps = [{{ type = "conformal", coverage = 0.9{scale} }}]'


MOST_NOTES = 3
"""Maximum number of columns of texts that are left out to explain."""


def table_notes(table: TableProfile, where: str | None = None) -> tuple[str, ...]:
    """Return how texts, rare values and targets are treated, and how to read what is left out.

    Args:
        where: how to try another loss that is suggested; default: where it is in the spec.
    """
    features = features_of(table)
    addition = ", in addition to the other columns" if features.others else ""
    read = [
        f'column "{text.name}" is read as text, by its '
        f"{'characters' if is_unspaced(text) else 'words and pairs of words'}{addition}"
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
        f'column "{column.name}" is left out: {different_texts(column)}; to read them, add to '
        f"columns in [preset] {toml(_as_text(column))}"
        for column in unread[:MOST_NOTES]
    ]
    where = where or "see targets in [preset]"
    more = [note for name in table.others for note in notes_on(table.of_target(name), (), where)]
    return (*read, *left_out, *notes_on(table, features.others, where), *more)


def _as_text(column: ColumnProfile) -> dict[str, str]:
    """Return a column as one of texts, by what they have parts of."""
    return {"name": column.name, "type": "characters" if column.most_words <= 1 else "words"}
