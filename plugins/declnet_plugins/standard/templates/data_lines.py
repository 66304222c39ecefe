"""The section `[data]` for a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from declnet import class_name
from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.commented_toml import Line, toml, toml_key
from declnet_plugins.standard.templates.plan import (
    Features,
    Plan,
    is_free_text,
    sizes_for,
)
from declnet_plugins.standard.templates.suggestions import (
    is_category,
    may_be_amount,
    order_of_words,
    percent,
    rare_categories,
    rare_class,
)
from declnet_plugins.standard.templates.texts import tokenizing

MOST_LISTED = 60
"""Maximum number of features to list with details."""


TEST = 0.2
"""Fraction to hold out for tests that is suggested where none are."""

MEANINGS = {
    "path": "relative to this spec",
    "target": "the column to predict",
    "targets": "the columns to predict",
    "decimal": "as in 2,5",
}


def data_section(
    plan: Plan,
    prepare: Sequence[Line] = (),
    inputs: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Line]:
    """Yield the data section: held-out shares, preparation and columns in use.

    Args:
        plan: the table.
        prepare: the transforms, an item a line.
        inputs: the columns of each input by name; empty if there is only one.
    """
    prepare_target = plan.target_transforms
    yield "[data]"
    if plan.table.streams:
        yield "stream = true", "reads the table in parts while training"
    yield from _held_out(plan)
    yield from _labels(plan) if plan.table.others else _balance(plan)
    yield from prepare_lines(prepare)
    if plan.table.others:
        yield from _targets_prepared(plan)
    elif prepare_target:
        line = f"prepare_targets = {{ {toml_key(plan.target.name)} = {toml([*prepare_target])} }}"
        why = "positive and skewed: learned as its logarithm, " if "log" in prepare_target else ""
        yield line, f"{why}undone in predictions"
    if may_be_amount(plan.table):
        others = [transform for transform in prepare_target if transform != "standardize"]
        types = toml([*others, "log", "standardize"])
        line = f"# prepare_targets = {{ {toml_key(plan.target.name)} = {types} }}"
        yield line, "would learn its logarithm, for smaller relative errors"
    yield ""
    if inputs:
        yield from inputs_section(inputs)
        yield ""
    yield "[data.train]"
    meanings = {**MEANINGS, "missing_target": f"{plan.table.unlabeled} rows have none"}
    for key, value in plan.table.source.items():
        line = f"{key} = {toml(value)}"
        yield (line, meanings[key]) if key in meanings else line
    yield from _features(plan)


def prepare_lines(prepare: Sequence[Line]) -> Iterator[Line]:
    """Yield the key of the transforms, if there are any, with an item a line."""
    if prepare:
        yield "prepare = [  # fitted on the training data, applied to all data and predictions"
        yield from prepare
        yield "]"


def inputs_section(inputs: Mapping[str, Sequence[str]]) -> Iterator[Line]:
    """Yield the section of the inputs, with the columns of each."""
    yield "[data.inputs]  # the columns of each input"
    for name, columns in inputs.items():
        yield f"{name} = ["
        yield from (f"  {toml(column)}," for column in columns)
        yield "]"


def _held_out(plan: Plan) -> Iterator[Line]:
    """Yield the folds or the shares that are held out, and how."""
    sizes = plan.sizes
    if plan.folds > 1:
        models = f"{plan.folds} models{' of each member' if plan.is_member else ''}"
        comment = f"trains {models}, each with another part as its validation data;"
        yield f"folds = {plan.folds}", f"{comment} predictions are their mean"
        single = sizes_for(plan.table).validation
        if single and not plan.is_member:
            comment = f"in place of folds: one model, in 1/{plan.folds} of the time"
            yield f"# validation = {single:g}", comment
    elif sizes.validation:
        comment = "fraction held out for early stopping"
        yield f"validation = {sizes.validation:g}", comment
    what = "fraction held out to measure the finished model"
    if sizes.test:
        yield f"test = {sizes.test:g}", what
    elif sizes.validation:
        others = ", in addition to the folds" if plan.folds > 1 else ""
        yield f"# test = {TEST:g}", f"{what}{others}"
    else:
        yield "# too few rows to hold any out; test = { … } would name other data to measure"
    if (sizes.test or sizes.validation) and not plan.table.streams:
        yield from _split(plan)


def _split(plan: Plan) -> Iterator[Line]:
    """Yield a split by the target with the rarest class, of which the training data needs a row.

    If the table has copies of rows, they stay together.
    """
    targets = (head.target for head in plan.plans.values() if head.table.task != "values")
    rarest = min(targets, key=lambda target: min(target.counts.values(), default=0), default=None)
    settings, comments = [], []
    if rarest is not None:
        settings.append('method = "stratified"')
        comments.append("keeps the proportions of the classes")
    if rarest is not None and plan.table.others:
        settings.append(f"column = {toml(rarest.name)}")
        comments = ["keeps the proportions of its classes"]
    if plan.table.has_copies:
        settings.append("equal_rows_together = true")
        comments.append("some rows are copies, by which no model should be measured")
    if settings:
        yield f"split = {{ {', '.join(settings)} }}", "; ".join(comments)


def _targets_prepared(plan: Plan) -> Iterator[Line]:
    """Yield the transforms of several targets."""
    known = {e.target.name: list(e.target_transforms) for e in plan.plans.values()}
    transforms = {name: transform for name, transform in known.items() if transform}
    if transforms:
        yield "[data.prepare_targets]  # undone in predictions"
        for name, transform in transforms.items():
            comment = "positive and skewed: learned as its logarithm" if "log" in transform else ""
            line = f"{toml_key(name)} = {toml(transform)}"
            yield (line, comment) if comment else line


def _labels(plan: Plan) -> Iterator[Line]:
    """Yield the positive classes and the orders of classes of several targets."""
    targets = [head.table for head in plan.plans.values()]
    positive = {
        target.target: name for target in targets if (name := _rare_positive(target)) is not None
    }
    if positive:
        comment = "the classes that f1, precision and recall are about"
        yield f"positive_class = {_inline(positive)}", comment
    orders = {target.target: list(order) for target in targets if (order := order_of_words(target))}
    if orders:
        yield f"# class_order = {_inline(orders)}", 'their order, for the loss "ordinal"'


def _inline(values: Mapping[str, object]) -> str:
    return (
        "{ " + ", ".join(f"{toml_key(key)} = {toml(value)}" for key, value in values.items()) + " }"
    )


def _rare_positive(table: TableProfile) -> str | None:
    """Return the rare class of two, unless it is the positive one by default."""
    rare = rare_class(table)
    last = class_name(max(table.columns[table.target].counts, default=""))
    return rare[0] if rare is not None and table.task == "binary" and rare[0] != last else None


def _balance(plan: Plan) -> Iterator[Line]:
    """Yield what concerns rare classes and the order of classes."""
    if plan.table.task == "values":
        return
    rare = rare_class(plan.table)
    if rare is not None:
        yield f"# the class {toml(rare[0])} is rare, {percent(rare[1])} of the rows:"
    positive = _rare_positive(plan.table)
    if positive is not None:
        comment = "the class that f1, precision and recall are about"
        yield f"positive_class = {toml(positive)}", comment
    comment = "would give rare classes as much weight as frequent ones"
    yield '# class_weights = "balanced"', comment
    order = order_of_words(plan.table)
    if order is not None:
        yield f"# class_order = {toml(list(order))}", 'their order, for the loss "ordinal"'


def transforms(plan: Plan) -> Iterator[Line]:
    """Yield the transforms of all columns, for networks that take standardized numbers."""
    features = plan.features
    yield from tokenizing(features)
    if features.others or "table" in plan.inputs:
        yield from _values(plan)


def _values(plan: Plan) -> Iterator[Line]:
    """Yield the preparation of columns other than free text."""
    features = plan.features
    if features.dates:
        yield '  { type = "datetime" },', "dates to numbers: years elapsed, cycles of year and week"
    yield from grouping(plan.columns)
    if features.category_gaps:
        line = '  { type = "impute", strategy = "constant", value = "missing" },'
        yield line, "missing text becomes a category"
    yield from finite(features)
    scale = '  { type = "standardize" },', "scales numbers to mean 0 and standard deviation 1"
    fill = '  { type = "impute", strategy = "median" },'
    if features.gaps:
        yield scale
        yield INDICATORS
        yield fill, "fills missing values"
    else:
        if not features.infinities:
            what = "numbers" if features.category_gaps else "values"
            yield fill, f"fills missing {what}; this table has none"
        if features.numbers:
            yield scale
    one_hot = [c.name for c in plan.columns if is_category(c) and c not in plan.embedded]
    if one_hot:
        columns = f", columns = {toml(one_hot)}" if plan.embedded else ""
        yield f'  {{ type = "one_hot"{columns} }},', "turns text into a column per category"
    yield from numbering(plan)


def numbering(plan: Plan) -> Iterator[Line]:
    """Yield the transform for columns of many categories, if there are any; it comes last."""
    if plan.embedded:
        names = toml([column.name for column in plan.embedded])
        other = 'unknown = "index", missing = "unknown"'
        yield f'  {{ type = "ordinal", columns = {names}, {other} }},', "an integer per category"


INDICATORS: Line = (
    '  { type = "missing_indicator" },',
    "a column of 0 and 1 for each with missing values",
)


def grouping(columns: Iterable[ColumnProfile]) -> Iterator[Line]:
    """Yield the transforms for rare categories of some columns, if there are any."""
    for rare in rare_categories(columns):
        yield f"  {rare},", 'rarer categories become one, "other", and so do new ones'


def finite(features: Features) -> Iterator[Line]:
    """Yield the transform that replaces infinite numbers, if there are any.

    It fills missing values, too, so only the columns concerned are named if others have gaps.
    """
    if features.infinities:
        named = toml([column.name for column in features.infinite])
        columns = f", columns = {named}" if features.gaps else ""
        line = f'  {{ type = "impute", strategy = "median", infinite = true{columns} }},'
        yield line, "fills missing values and infinite numbers"


def _features(plan: Plan) -> Iterator[Line]:
    used, left_out = plan.features.used, plan.features.left_out
    if len(used) <= MOST_LISTED:
        yield "features = [  # the columns to predict from"
        for column in used:
            reveals = column.name in plan.table.revealing
            more = "; alone predicts the target: is it known beforehand?" if reveals else ""
            yield f"  {toml(column.name)},", f"{_facts(column)}{more}"
        for column, reason in left_out[:MOST_LISTED]:
            yield f"  # {toml(column.name)},", f"left out: {reason}"
        if len(left_out) > MOST_LISTED:
            yield f"  # and {len(left_out) - MOST_LISTED} more were left out"
        yield "]"
    elif left_out or plan.table.excluded:
        names = ", ".join(toml(column.name) for column in used)
        if left_out:
            count = f"{len(left_out)} columns are" if len(left_out) > 1 else "1 column is"
            yield f"# {count} left out, e.g. {toml(left_out[0][0].name)}:"
            yield f"# {left_out[0][1]}"
        yield f"features = [{names}]"
    else:
        yield f"# predicted from all {len(used)} other columns; features = […] would name some"


def _facts(column: ColumnProfile) -> str:
    facts: str = "dates or times" if column.date_form else column.type
    if is_free_text(column):
        facts += f", {column.words:.0f} words on average, {column.most_words} at most"
    elif is_category(column):
        facts += f", {column.distinct} categories"
    if column.missing:
        facts += f", {column.missing} missing"
    if column.infinite:
        facts += f", {column.infinite} infinite"
    return facts
