"""Networks that were trained elsewhere, written as a spec with weights and compared before that."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from declnet import (
    Array,
    DataError,
    Dataset,
    InputInfo,
    Member,
    Model,
    OutputError,
    Predictor,
    Registry,
    assemble,
    attributing_errors,
    parse_spec,
    require_free,
    verified,
    write_run,
)
from declnet_plugins.exchange.commented_toml import CommentedToml
from declnet_plugins.exchange.comparing import compared_with_declnet
from declnet_plugins.exchange.files import write_file
from declnet_plugins.exchange.importer import ImportedNetwork, Importer, ImportSummary
from declnet_plugins.exchange.predictors import exported_model

SAMPLES = 100
"""Random samples whose predictions are compared."""

MOST_NUMBERS = 2**28
"""Numbers that both networks compute for them, an upper bound unless one sample has more."""

MOST_BYTES = 4 * 2**30
"""Memory that the network may take for one sample."""

TOLERANCE = 1e-4
"""The largest difference, relative to the largest prediction or to 1."""

MISREAD = "the importer misread a part of the original: please report it"


def import_network(
    importer: Importer,
    source: Any,
    output: Path | None,
    registry: Registry,
    *,
    overwrite: bool = False,
) -> ImportSummary:
    """Read a network, compare its predictions and write it.

    Args:
        importer: reads the file.
        source: the path of the file; or an object, for an importer of objects.
        output: a folder for a finished run; or the name of a spec, which ends in .toml, with
            weights of the same name beside it; None to write nothing.
        registry: where the spec's names are looked up.
        overwrite: whether files that exist are replaced.

    Raises:
        LeftoverError: parts of the file correspond to no layer.
        DataError: the file cannot be read, or the predictions differ.
        OutputError: the files cannot be written.
    """
    with attributing_errors(registry):
        network = verified(Importer.read, importer, source)
        member = _member_of(network, registry)
        compared = _compared(network, member)
    spec, weights = (None, None) if output is None else _files(output)
    if spec is not None and weights is not None:
        for file in (spec, weights):
            if file.exists():
                require_free(file, overwrite)
                if isinstance(source, Path) and source.exists() and file.samefile(source):
                    raise OutputError(f"{file}: this is the file to import; choose another name")
        name = source.name if isinstance(source, Path) else str(type(source).__name__)
        text = _commented(_document(network, weights.name), network, name)
        if spec == output:
            write_file(weights, _saved(member.model.parameters(), weights), force=overwrite)
            write_file(spec, text, force=overwrite)
        else:
            samples = network.table.rows if network.table else _random_samples(network, member)
            write_run(member, samples, spec.parent, spec_toml=text.decode(), overwrite=overwrite)
    return ImportSummary(
        member,
        spec,
        weights,
        network.mapping,
        tuple(
            (transform.type, ", ".join(transform.columns or ()))
            for transform in member.spec.data.prepare
        ),
        {node.name: node.layer.type for node in member.model.nodes},
        network.left_out,
        sum(parameter.size for parameter in network.parameters.values()),
        *compared,
    )


def _member_of(network: ImportedNetwork, registry: Registry) -> Member:
    """Return the trained model.

    Shapes and memory are checked before anything is allocated: both come from the file.
    """
    spec, table = parse_spec(network.sections, registry), network.table
    for name, array in network.parameters.items():
        if not np.isfinite(array).all():
            raise DataError(f"the file has values for {name} that are NaN or infinite")
    samples, states = (network.inputs, ()) if table is None else (table.rows, table.states)
    member = assemble(spec, samples, network.parameters, states, registry)
    sample = member.model.memory(1)
    if sample > MOST_BYTES:
        raise DataError(
            f"the network takes {sample / 2**30:,.1f} GiB for a sample, more than "
            f"{MOST_BYTES // 2**30} GiB"
        )
    return member


def _compared(network: ImportedNetwork, member: Member) -> tuple[float | None, int, int]:
    """Return the largest difference of predictions, and the numbers of samples and of odd ones.

    Raises:
        DataError: the predictions differ.
    """
    table = network.table
    if table is None:
        return _difference(network, member.model), _samples(member.model), 0
    if table.predict is None:
        return None, 0, 0
    model = exported_model(Predictor([member]), data=table.rows, odd=table.odd_rows)
    comparison = compared_with_declnet(model, table.predict)
    if comparison.fault:
        message = f"declnet's predictions differ from the original's: {comparison.fault}"
        raise DataError(message, hint=MISREAD)
    return comparison.difference, comparison.samples, comparison.odd_samples


def _difference(network: ImportedNetwork, model: Model) -> float | None:
    """Return the largest difference for random samples; raise DataError if it is too large."""
    if network.predict is None:
        return None
    rng, samples = np.random.default_rng(0), _samples(model)
    x = {name: _random(rng, info, samples) for name, info in network.inputs.items()}
    differences, allowed = [], True
    for output, expected in zip(
        model.compute(x).values(), network.predict(list(x.values())), strict=True
    ):
        if expected.ndim == 1 and output.shape[1:] == (1,):  # one number for each sample
            expected = expected[:, None]  # noqa: PLW2901
        if output.shape != expected.shape:
            raise DataError(
                f"the network's predictions have the shape {output.shape[1:]}, in the file "
                f"{expected.shape[1:]}"
            )
        largest = float(np.max(np.abs(output.astype(float) - expected)))
        differences.append(largest)
        allowed &= largest <= TOLERANCE * max(1.0, float(np.max(np.abs(expected))))
    if not allowed or not np.isfinite(differences).all():
        raise DataError(
            f"the network's predictions differ from the file's by up to {max(differences):.2g}",
            hint=MISREAD,
        )
    return max(differences)


def _random_samples(network: ImportedNetwork, member: Member) -> Dataset:
    """Return random samples, without targets."""
    rng = np.random.default_rng(0)
    x = {name: _random(rng, info, _samples(member.model)) for name, info in network.inputs.items()}
    return Dataset(x, {})


def _samples(model: Model) -> int:
    """Return how many samples are compared: fewer of large ones."""
    numbers = sum(prod(info.shape) for info in model.inputs.values())
    numbers += sum(prod(node.output_shape) for node in model.nodes)
    return max(1, min(SAMPLES, MOST_NUMBERS // max(1, numbers)))


def _random(rng: np.random.Generator, info: InputInfo, samples: int) -> Array:
    shape = (samples, *info.shape)
    if info.dtype == "integer":
        return rng.integers(0, info.vocabulary or min(info.levels or (2,)), shape)
    return rng.standard_normal(shape).astype(np.float32)


def _files(output: Path) -> tuple[Path, Path]:
    if output.suffix == ".toml":
        return output, output.with_suffix(".safetensors")
    return output / "spec.toml", output / "weights.safetensors"


def _saved(parameters: Mapping[str, Array], path: Path) -> bytes:
    """Return the content of a weights file once it has been read again.

    Raises:
        OutputError: it holds something else.
    """
    from safetensors.numpy import load, save

    content = save(dict(parameters))
    arrays = load(content)
    if arrays.keys() != parameters.keys() or not all(
        np.array_equal(arrays[name], array, equal_nan=True) for name, array in parameters.items()
    ):
        raise OutputError(f"{path}: nothing was written: the file would hold other weights")
    return content


def _document(network: ImportedNetwork, weights: str) -> dict[str, Any]:
    """Return the spec: keys of the whole spec first, then its tables, as TOML needs them."""
    sections = sorted(network.sections.items(), key=lambda item: isinstance(item[1], Mapping))
    document = {"declnet": 1, **dict(sections)}
    document["model"] = {"initial_weights": weights, **document["model"]}
    return document


def _commented(document: Mapping[str, Any], network: ImportedNetwork, source: str) -> bytes:
    """Return the spec in TOML, a line for each layer, with what it was in the file.

    Raises:
        OutputError: TOML cannot express the document.
    """
    table = network.table
    if table is not None:
        names = [name for name in table.rows.columns if name not in table.rows.target_columns]
        inputs = f"columns: {', '.join(names)}"
    else:
        inputs = "inputs: " + "; ".join(
            f"{name or 'the only one'}: {info.dtype}s {list(info.shape)}"
            for name, info in network.inputs.items()
        )
    toml = CommentedToml()
    toml.comment(f"Imported from {source}; {inputs}.")
    toml.comment("To train it further, add a source of training data to [data].")
    for key, value in document.items():
        if not isinstance(value, Mapping):
            toml.pair(key, value)
            continue
        toml.table(key)
        for name, item in value.items():
            if key == "model" and name == "layers":
                origins = [*network.mapping.values()]
                is_complete = len(origins) == len(item)
                toml.rows(name, item, origins if is_complete else [""] * len(item))
            elif key == "data" and name == "prepare":
                toml.rows(name, item, [""] * len(item))
            else:
                toml.pair(name, item)
    return toml.content(document)
