"""Writes the choices for a table as a commented spec, in TOML."""

from __future__ import annotations

from collections.abc import Iterator

from declnet.cli.table_spec.data_section import data_section
from declnet.cli.table_spec.lines import Line, aligned, as_toml
from declnet.cli.table_spec.plan import Plan

TASKS = {
    "binary": "which of two classes",
    "classes": "which of {} classes",
    "number": "a number",
}


def spec_text(plan: Plan) -> str:
    """The whole spec."""
    blocks = [_head(plan), data_section(plan), _model(plan), _loss(plan), _optimizer(plan)]
    blocks.append(_training(plan))
    return "\n".join("\n".join(aligned(block)) + "\n" for block in blocks)


def _head(plan: Plan) -> Iterator[Line]:
    what = TASKS[plan.task].format(plan.target.distinct)
    yield f"# Predicts {as_toml(plan.target.name)}: {what}. Written by `declnet new` for a table of"
    yield f"# {plan.target.rows} rows; change what you like. `declnet plugins` lists what else can"
    yield "# stand for each type, `declnet plugins show dense` its keys."
    yield ""
    yield "declnet = 1", "the version of this format"
    yield "seed = 0", "another number: another split, other initial weights"


def _model(plan: Plan) -> Iterator[Line]:
    sizes = plan.sizes
    yield "[model]"
    if plan.double:
        yield 'dtype = "float64"', "the target's numbers differ little for their size"
    yield "layers = [  # from the input to the output"
    dense = f'  {{ type = "dense", units = {sizes.units} }},'
    drop = f'  {{ type = "dropout", rate = {sizes.dropout:g} }},'
    yield dense, "every unit sees every number"
    yield '  "relu",', 'what lets the network bend; or "tanh", "gelu", "leaky_relu"'
    if sizes.dropout:
        yield drop, "against learning by heart: drops some units in training"
    yield dense, "more layers or more units learn more, and are slower"
    yield '  "relu",'
    if sizes.dropout:
        yield drop
    units = f'type = "dense", units = {plan.last_units}'
    if plan.start is not None:
        std, value = plan.start
        weights = f'weight_initializer = {{ type = "normal", std = {std!r} }}'
        biases = f'bias_initializer = {{ type = "constant", value = {value!r} }}'
        yield "  # so the first predictions have the mean and the spread of the target:"
        yield f"  {{ {units}, {weights}, {biases} }},"
    else:
        comment = {"classes": "one unit a class", "binary": "one unit for yes or no"}
        yield f"  {{ {units} }},", comment.get(plan.task, "one unit, the number")
    if plan.task == "classes":
        yield '  "softmax",', "makes them probabilities, which sum to 1"
    if plan.task == "binary":
        yield '  "sigmoid",', "makes it a probability"
    yield "]"


def _loss(plan: Plan) -> Iterator[Line]:
    losses = {
        "binary": ("binary_crossentropy", 'for two classes, after "sigmoid"'),
        "classes": ("categorical_crossentropy", 'for one of several classes, after "softmax"'),
        "number": ("mean_squared_error", '"huber", "mean_absolute_error" mind outliers less'),
    }
    name, comment = losses[plan.task]
    yield "[loss]  # what training makes small"
    yield f'type = "{name}"', comment


def _optimizer(plan: Plan) -> Iterator[Line]:
    sizes = plan.sizes
    yield "[optimizer]"
    yield 'type = "adamw"', 'or "adam", "nadam", "rmsprop"; "sgd" wants a larger learning rate'
    yield f"learning_rate = {sizes.learning_rate:g}", "size of a step: smaller if the loss jumps"
    yield (
        f"weight_decay = {sizes.weight_decay:g}",
        "draws weights towards 0, against learning by heart",
    )


def _training(plan: Plan) -> Iterator[Line]:
    sizes = plan.sizes
    metrics = {
        "binary": ["binary_accuracy", "roc_auc"],
        "classes": ["accuracy", "f1"],
        "number": ["r2", "mean_absolute_error"],
    }
    stops = plan.early_stopping and bool(sizes.validation)
    yield "[training]"
    yield (
        f"epochs = {sizes.epochs}",
        "passes over the training data" + (", at most" if stops else ""),
    )
    if sizes.batch_size is not None:
        yield f"batch_size = {sizes.batch_size}", "samples a step"
    yield "log_every = 5", "epochs from one printed line to the next"
    names = ", ".join(f'"{each}"' for each in metrics[plan.task])
    yield f"metrics = [{names}]", "what else is measured"
    if stops:
        callback = f'{{ type = "early_stopping", patience = {sizes.patience} }}'
        yield f"callbacks = [{callback}]", "at the best epoch for the validation data"
