"""Writing of the choices for a table as a commented TOML spec."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tomli_w

from declnet import ColumnProfile
from declnet_standard.templates.plan import (
    EMBEDDING_UNITS,
    LABEL_SMOOTHING,
    LEARNING_RATE,
    LINEAR_RATE,
    MOST_WORDS,
    WEIGHT_DECAY,
    Features,
    Plan,
    is_free_text,
    sizes_for,
)
from declnet_standard.templates.suggestions import (
    class_name,
    has_words,
    holds_counts,
    is_category,
    may_be_amount,
    order_of_classes,
    percent,
    rare_categories,
    rare_class,
)

Line = str | tuple[str, str]
"""A line, or a line with a comment to align with its neighbors'."""

WIDEST = 60
"""Longest line that affects the alignment of neighboring comments."""

MOST_LISTED = 60
"""Most features to list with details."""

MEANINGS = {
    "path": "relative to this spec",
    "target": "the column to predict",
    "targets": "the columns to predict",
    "decimal": "as in 2,5",
}

TASKS = {
    "binary": "which of two classes",
    "classes": "which of {} classes",
    "values": "a number",
}


def spec_text(plan: Plan) -> str:
    """Return the whole spec."""
    data = data_section(plan, prepare_target=plan.target_transforms)
    losses = _losses(plan) if plan.table.others else [_loss(plan)]
    blocks = [head(plan), data, _model(plan), *losses, _optimizer(plan)]
    return joined((*blocks, _training(plan)))


def joined(blocks: Iterable[Iterable[Line]]) -> str:
    """Return the sections of a spec as text, with comments aligned."""
    return "\n".join("\n".join(_aligned(block)) + "\n" for block in blocks)


def head(plan: Plan) -> Iterator[Line]:
    """Yield what comes before the sections."""
    *others, last = plan.plans.values()
    for each in others:
        what = TASKS[each.table.task].format(each.target.distinct)
        yield f"# Predicts {toml(each.target.name)}: {what}."
    what = TASKS[last.table.task].format(last.target.distinct)
    yield f"# Predicts {toml(last.target.name)}: {what}. Written by `declnet new` for a table of"
    yield f"# {plan.target.rows} rows; change what you like. `declnet plugins` lists all types,"
    yield "# `declnet plugins show dense` the keys of one."
    yield ""
    yield "declnet = 1", "the version of this format"
    yield "seed = 0", "changes the split and the initial weights"


def data_section(
    plan: Plan,
    prepare: Iterable[Line] | None = None,
    inputs: Mapping[str, Sequence[str]] | None = None,
    prepare_target: Sequence[str] = (),
) -> Iterator[Line]:
    """Yield the data section: held-out shares, preparation and columns in use.

    Args:
        prepare: the transforms, an item a line; default: those of the template `table`.
        inputs: the columns of each input by name; default: those of the template `table`.
        prepare_target: the types of the target's transforms.
    """
    of_inputs = "the columns of each input"
    if inputs is None:
        inputs = plan.inputs
        of_inputs = "each text is an input of its own; the other columns are one"
    yield "[data]"
    yield from _held_out(plan)
    one_class = plan.table.task != "values" and not plan.table.others
    if one_class:
        yield from _balance(plan)
        order = order_of_classes(plan.table) if has_words(plan.table) else None
        if order is not None:
            yield f"# class_order = {toml(list(order))}", 'their order, for the loss "ordinal"'
    yield "prepare = [  # fitted on the training data, applied to all data and predictions"
    yield from _prepare(plan) if prepare is None else prepare
    yield "]"
    if plan.table.others:
        yield from _targets_prepared(plan)
    elif prepare_target:
        transforms = ", ".join(f'"{each}"' for each in prepare_target)
        line = f"prepare_targets = {{ {toml_key(plan.target.name)} = [{transforms}] }}"
        why = "positive and skewed: learned as its logarithm, " if "log" in prepare_target else ""
        yield line, f"{why}undone in predictions"
    if may_be_amount(plan.table):
        others = [each for each in prepare_target if each != "standardize"]
        transforms = toml([*others, "log", "standardize"])
        line = f"# prepare_targets = {{ {toml_key(plan.target.name)} = {transforms} }}"
        yield line, "would learn its logarithm, for smaller relative errors"
    yield ""
    if inputs:
        yield f"[data.inputs]  # {of_inputs}"
        for name, columns in inputs.items():
            yield f"{name} = ["
            yield from (f"  {toml(each)}," for each in columns)
            yield "]"
        yield ""
    yield "[data.train]"
    meanings = {**MEANINGS, "missing_target": f"{plan.table.unlabeled} rows have none"}
    for key, value in plan.table.source.items():
        line = f"{key} = {toml(value)}"
        yield (line, meanings[key]) if key in meanings else line
    yield from _features(plan)


def _held_out(plan: Plan) -> Iterator[Line]:
    """Yield the folds or the shares that are held out, and how."""
    sizes = plan.sizes
    if plan.folds > 1:
        comment = f"trains {plan.folds} models, each with another part as its validation data;"
        yield f"folds = {plan.folds}", f"{comment} predictions are their mean"
        single = sizes_for(plan.table.rows).validation
        if single:
            comment = f"in place of folds: one model, in 1/{plan.folds} of the time"
            yield f"# validation = {single:g}", comment
    elif sizes.test:
        comment = "fraction held out for early stopping"
        yield f"validation = {sizes.validation:g}", comment
    if sizes.test:
        yield f"test = {sizes.test:g}", "fraction held out to measure the finished model"
    else:
        yield "# too few rows to hold any out; test = { … } would name other data to measure"
    if sizes.test or plan.folds > 1:
        yield from _split(plan)


def _split(plan: Plan) -> Iterator[Line]:
    """Yield a split by the target with the rarest class, of which the training data needs a row."""
    targets = (each.target for each in plan.plans.values() if each.table.task != "values")
    rarest = min(targets, key=lambda each: min(each.counts.values(), default=0), default=None)
    if rarest is not None and plan.table.others:
        line = f'split = {{ method = "stratified", column = {toml(rarest.name)} }}'
        yield line, "keeps the proportions of its classes"
    elif rarest is not None:
        yield 'split = { method = "stratified" }', "keeps the proportions of the classes"


def _targets_prepared(plan: Plan) -> Iterator[Line]:
    """Yield the transforms of several targets."""
    known = {e.target.name: list(e.target_transforms) for e in plan.plans.values()}
    transforms = {name: each for name, each in known.items() if each}
    if transforms:
        yield "[data.prepare_targets]  # undone in predictions"
        for name, each in transforms.items():
            comment = "positive and skewed: learned as its logarithm" if "log" in each else ""
            line = f"{toml_key(name)} = {toml(each)}"
            yield (line, comment) if comment else line


def _balance(plan: Plan) -> Iterator[Line]:
    """Yield what concerns rare classes."""
    rare = rare_class(plan.table)
    if rare is not None:
        yield f"# the class {toml(rare[0])} is rare, {percent(rare[1])} of the rows:"
        last = class_name(max(plan.target.counts))  # the positive one by default
        if plan.table.task == "binary" and rare[0] != last:
            comment = "the class that f1, precision and recall are about"
            yield f"positive_class = {toml(rare[0])}", comment
    comment = "would give rare classes as much weight as frequent ones"
    yield '# class_weights = "balanced"', comment


def _prepare(plan: Plan) -> Iterator[Line]:
    """Yield the transforms of all columns."""
    features = plan.features
    yield from tokenizing(features)
    if features.others or "table" in plan.inputs:
        yield from _values(plan)


def tokenizing(features: Features) -> Iterator[Line]:
    """Yield a transform for each column of free text."""
    for each in features.texts:
        length = f", length = {MOST_WORDS}" if each.most_words > MOST_WORDS else ""
        empty = ', missing = "empty"'
        line = f'  {{ type = "tokenize", columns = [{toml(each.name)}]{length}{empty} }},'
        yield line, "an integer for each word"


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
    if features.text:
        yield '  { type = "one_hot" },', "turns text into a column per category"


INDICATORS: Line = (
    '  { type = "missing_indicator" },',
    "a column of 0 and 1 for each with missing values",
)


def grouping(columns: Iterable[ColumnProfile], most: int | None = None) -> Iterator[Line]:
    """Yield the transform for rare categories, if there are any.

    Args:
        columns: the columns that are prepared.
        most: the most categories of a column; default: the most to one-hot encode.
    """
    found = rare_categories(columns) if most is None else rare_categories(columns, most)
    if found is not None:
        yield f"  {found},", 'rarer categories become one, "other", and so do new ones'


def finite(features: Features) -> Iterator[Line]:
    """Yield the transform that replaces infinite numbers, if there are any.

    It fills missing values, too, so only the columns concerned are named if others have gaps.
    """
    if features.infinities:
        named = toml([each.name for each in features.infinite])
        columns = f", columns = {named}" if features.gaps else ""
        line = f'  {{ type = "impute", strategy = "median", infinite = true{columns} }},'
        yield line, "fills missing values and infinite numbers"


def _features(plan: Plan) -> Iterator[Line]:
    used, left_out = plan.features.used, plan.features.left_out
    if not plan.table.selects_features:
        yield f"# predicted from all {len(plan.table.features)} other columns"
        for each, reason in left_out[:MOST_LISTED]:
            yield f"# {toml(each.name)}", f"useless: {reason}"
    elif len(used) <= MOST_LISTED:
        yield "features = [  # the columns to predict from"
        for each in used:
            yield f"  {toml(each.name)},", _facts(each)
        for each, reason in left_out[:MOST_LISTED]:
            yield f"  # {toml(each.name)},", f"left out: {reason}"
        if len(left_out) > MOST_LISTED:
            yield f"  # and {len(left_out) - MOST_LISTED} more were left out"
        yield "]"
    elif left_out or plan.table.excluded:
        names = ", ".join(toml(each.name) for each in used)
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


def _model(plan: Plan) -> Iterator[Line]:
    yield "[model]"
    if plan.double:
        yield 'dtype = "float64"', "the target varies too little for its size in float32"
    if plan.table.others:
        yield f"outputs = {toml(list(plan.plans))}", "the layers that give the predictions"
    yield "layers = [  # from the input to the output"
    names = [name for name in plan.inputs if name != "table"]
    yield from text_layers(names or [""] * len(plan.features.texts))
    if plan.inputs:
        joined = [*map(text_vector, names), *(["input.table"] if "table" in plan.inputs else [])]
        name = ', name = "joined"' if plan.table.others else ""
        yield f'  {{ type = "concatenate"{name}, inputs = {toml(joined)} }},'
    if plan.hidden:
        yield from _hidden_layers(plan)
    if plan.table.others:
        yield from _outputs(plan)
        yield "]"
        return
    units = f'type = "dense", units = {plan.last_units}'
    comment = {"classes": "one unit per class", "binary": "one unit for yes or no"}
    yield f"  {{ {units} }},", comment.get(plan.table.task, "one unit, for the number")
    if plan.table.task == "classes":
        yield '  "softmax",', "turns them into probabilities that sum to 1"
    if plan.table.task == "binary":
        yield '  "sigmoid",', "turns it into a probability"
    yield "]"


def _outputs(plan: Plan) -> Iterator[Line]:
    """Yield the layers of several outputs, which all read what the layers before them give."""
    read = "input"
    if plan.hidden:
        read = "trunk"
    elif plan.features.texts:
        read = "joined" if plan.inputs else "mean"
    for name, each in plan.plans.items():
        of = toml(each.target.name)
        last = {"classes": "softmax", "binary": "sigmoid"}.get(each.table.task)
        own = f"{name}_logits" if last else name
        units = f'type = "dense", name = "{own}", units = {each.last_units}, inputs = ["{read}"]'
        yield f"  {{ {units} }},", f"of {of}"
        if last is not None:
            yield f'  {{ type = "{last}", name = "{name}" }},', "turns that into probabilities"


def _hidden_layers(plan: Plan) -> Iterator[Line]:
    sizes = plan.sizes
    trunk = ', name = "trunk"' if plan.table.others else ""
    last_relu = f'  {{ type = "relu"{trunk} }},' if trunk and not sizes.dropout else '  "relu",'
    dense = f'  {{ type = "dense", units = {sizes.units} }},'
    drop = f'  {{ type = "dropout", rate = {sizes.dropout:g} }},'
    last_drop = f'  {{ type = "dropout"{trunk}, rate = {sizes.dropout:g} }},'
    yield (
        dense,
        "every unit is connected to every " + ("feature" if plan.features.texts else "input"),
    )
    yield '  "relu",', 'makes the network nonlinear; or "gelu", "selu", "tanh"'
    if sizes.dropout:
        yield drop, "reduces overfitting: drops units at random in training"
    yield dense, "more layers or units can learn more, but train more slowly"
    yield last_relu
    if sizes.dropout:
        yield last_drop


def text_layers(names: Iterable[str]) -> Iterator[Line]:
    """Yield the layers that make one vector, `text_vector`, of each text.

    Args:
        names: the inputs of the texts; "" for the only input.
    """
    for name in names:
        read, lengths = (f"input.{name}", f"input.{name}_lengths") if name else ("input", "")
        words = f"{name}_words" if name else "words"
        embedding = f'type = "embedding", name = "{words}", units = {EMBEDDING_UNITS}'
        yield f'  {{ {embedding}, inputs = ["{read}"] }},', "a vector for each word"
        inputs = f'inputs = ["{words}", "{lengths or "input.lengths"}"]'
        comment = 'their mean; "gru" (units = 32) reads them in order'
        yield f'  {{ type = "mean_over_time", name = "{text_vector(name)}", {inputs} }},', comment


def text_vector(name: str) -> str:
    """Return the name of the layer that gives the vector of a text, by its input."""
    return f"{name}_mean" if name else "mean"


def _losses(plan: Plan) -> Iterator[Iterator[Line]]:
    """Yield a section for the loss of each target."""
    for name, each in plan.plans.items():
        yield _loss(each, name)


def _loss(plan: Plan, name: str = "") -> Iterator[Line]:
    losses = {
        "binary": ("binary_crossentropy", 'for two classes, after "sigmoid"'),
        "classes": ("categorical_crossentropy", 'for one of several classes, after "softmax"'),
        "values": (
            "mean_squared_error",
            '"huber" and "mean_absolute_error" are less sensitive to outliers',
        ),
    }
    type_name, comment = losses[plan.table.task]
    yield from loss_head(plan, name)
    yield f'type = "{type_name}"', comment
    if plan.table.task == "classes":
        yield f"label_smoothing = {LABEL_SMOOTHING:g}", "reduces overconfidence"
        yield from ordinal_loss(plan)
    yield from counts_loss(plan)
    if name:
        yield f"metrics = {toml(_metrics(plan))}", "measured in addition to the loss"


def loss_head(
    plan: Plan, name: str = "", comment: str = "what training minimizes"
) -> Iterator[Line]:
    """Yield the beginning of a loss's section, by the name in `Plan.plans`."""
    yield f"[losses.{name}]" if name else f"[loss]  # {comment}"
    if name and name != plan.target.name:
        yield f"target = {toml(plan.target.name)}", "the column to predict"


def ordinal_loss(plan: Plan) -> Iterator[Line]:
    """Yield the loss to try for classes that may have an order as a comment, if they do."""
    order = order_of_classes(plan.table)
    if order is None or (has_words(plan.table) and plan.table.others):
        return
    yield '# type = "ordinal"', "may suit classes with an order better, without label_smoothing;"
    named = ", class_order in [data]" if has_words(plan.table) else ""
    yield f'# and with units = {len(order) - 1} in the last layer, no "softmax"{named}'


def counts_loss(plan: Plan) -> Iterator[Line]:
    """Yield the loss to try for counts as a comment, if the target seems to hold any."""
    if not holds_counts(plan.table):
        return
    yield '# type = "poisson"', "may suit counts better; it learns the logarithm of their mean"
    yield "# and takes the counts themselves, without prepare_targets"


def _optimizer(plan: Plan) -> Iterator[Line]:
    yield "[optimizer]"
    yield 'type = "adamw"', 'or "adam", "nadam", "rmsprop"; "sgd" needs a larger learning rate'
    rate = f"{LEARNING_RATE if plan.hidden else LINEAR_RATE:g}"
    if "cosine" in plan.installed:
        rate = f'{{ type = "cosine", initial_rate = {rate} }}'
    yield f"learning_rate = {rate}", "smaller if the loss jumps"
    yield f"weight_decay = {WEIGHT_DECAY:g}", "pulls weights toward 0, to reduce overfitting"
    yield ""
    yield "[[optimizer.groups]]  # parameters that are updated differently"
    yield 'parameters = ["*.biases"]', "* is any text"
    yield "weight_decay = 0.0", "biases are left alone"


def _metrics(plan: Plan) -> list[str]:
    """Return the metrics for the target."""
    metrics = {
        "binary": ["binary_accuracy", "roc_auc"],
        "classes": ["accuracy", "f1"],
        "values": ["r2", "mean_absolute_error"],
    }
    if rare_class(plan.table) is not None:
        metrics["binary"] += ["f1", "average_precision"]
        metrics["classes"] += ["matthews"]
    return metrics[plan.table.task]


def _training(plan: Plan) -> Iterator[Line]:
    sizes = plan.sizes
    stops = "early_stopping" in plan.installed and bool(sizes.validation)
    yield "[training]"
    yield (
        f"epochs = {sizes.epochs}",
        "passes over the training data" + (", at most" if stops else ""),
    )
    if sizes.batch_size is not None:
        yield f"batch_size = {sizes.batch_size}", "samples per step"
    if not plan.table.others:
        yield f"metrics = {toml(_metrics(plan))}", "measured in addition to the loss"
    callbacks: list[Line] = []
    if stops:
        callback = f'  {{ type = "early_stopping", patience = {sizes.patience} }},'
        callbacks.append((callback, "finishes with the best epoch for the validation data"))
    if "checkpoint" in plan.installed and sizes.validation:
        callbacks.append(('  { type = "checkpoint", every_minutes = 1 },', "for declnet resume"))
    if callbacks:
        yield "callbacks = ["
        yield from callbacks
        yield "]"
    rare = plan.table.task == "binary" and rare_class(plan.table) is not None
    if rare and not plan.table.others and "threshold" in plan.installed and sizes.validation:
        yield from threshold()


def threshold() -> Iterator[Line]:
    """Yield the calibration to try for a rare one of two classes, as a comment."""
    yield ""
    yield "# [calibration]  # would choose a threshold on the validation data, in place of 0.5"
    yield '# steps = [{ type = "threshold", metric = "f1" }]'


def _aligned(block: Iterable[Line]) -> Iterator[str]:
    """Return lines with comments aligned within each block."""
    stretch: list[tuple[str, str]] = []
    for each in block:
        if isinstance(each, tuple):
            stretch.append(each)
            continue
        yield from _with_comments(stretch)
        stretch = []
        yield each
    yield from _with_comments(stretch)


def _with_comments(stretch: list[tuple[str, str]]) -> Iterator[str]:
    widths = [len(line) for line, _ in stretch if len(line) <= WIDEST]
    for line, comment in stretch:
        yield f"{line.ljust(max(widths, default=0))}  # {comment}"


def toml_key(name: str) -> str:
    """Return a key as TOML."""
    return tomli_w.dumps({name: 0})[:-5]


def toml(value: Any) -> str:
    """Return a value as TOML, on one line."""
    if isinstance(value, Mapping):
        items = (f"{toml_key(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {', '.join(items)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return tomli_w.dumps({"v": value}).strip()[4:]
