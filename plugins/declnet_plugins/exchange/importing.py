"""Networks that were trained elsewhere, written as a spec with weights and compared before that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from declnet import (
    Array,
    CommentedToml,
    DataError,
    InputInfo,
    Model,
    OutputError,
    Registry,
    attributing_errors,
    build_model,
    parse_spec,
    require_free,
    verified,
)
from declnet_plugins.exchange.files import write_file
from declnet_plugins.exchange.importer import ImportedNetwork, Importer

SAMPLES = 100
"""Random samples whose predictions are compared."""

MOST_NUMBERS = 2**28
"""Numbers that both networks compute for them, an upper bound unless one sample has more."""

MOST_BYTES = 4 * 2**30
"""Memory that the network may take for one sample."""

TOLERANCE = 1e-4
"""The largest difference, relative to the largest prediction or to 1."""


@dataclass(frozen=True)
class ImportSummary:
    """The summary of an import.

    Attributes:
        spec: the spec that was written.
        weights: the file of its initial weights.
        mapping: what each layer was in the file, by the layer's name.
        types: the type of each layer.
        left_out: parts of the file that are left out.
        parameters: the number of parameters.
        difference: the largest difference between the predictions of both networks for random
            samples; None if the file's own network cannot be run.
        samples: the number of these samples.
    """

    spec: Path
    weights: Path
    mapping: Mapping[str, str]
    types: Mapping[str, str]
    left_out: tuple[str, ...]
    parameters: int
    difference: float | None
    samples: int


def import_network(
    importer: Importer, path: Path, output: Path, registry: Registry, *, overwrite: bool = False
) -> ImportSummary:
    """Read a network, compare its predictions and write a spec and weights.

    Args:
        importer: reads the file.
        path: the file.
        output: the name of the spec, which ends in .toml, with weights of the same name beside it;
            or a folder for `spec.toml` and `weights.safetensors`.
        registry: where the spec's names are looked up.
        overwrite: whether files that exist are replaced.

    Raises:
        LeftoverError: parts of the file correspond to no layer.
        DataError: the file cannot be read, or the predictions differ.
        OutputError: the files cannot be written.
    """
    with attributing_errors(registry):
        network = verified(Importer.read, importer, path)
        model = _model_of(network, registry)
        difference = _difference(network, model)
    spec, weights = _files(output)
    for file in (spec, weights):
        if file.exists():
            require_free(file, overwrite)
            if file.samefile(path):
                raise OutputError(f"{file}: this is the file to import; choose another name")
    contents = {
        weights: _saved(model.parameters(), weights),
        spec: _commented(_document(network, weights.name), network, path),
    }
    if spec.parent != output.parent:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from None
    for file, content in contents.items():
        write_file(file, content, force=overwrite)
    return ImportSummary(
        spec,
        weights,
        network.mapping,
        {node.name: node.layer.type for node in model.nodes},
        network.left_out,
        sum(parameter.size for parameter in network.parameters.values()),
        difference,
        _samples(model),
    )


def _model_of(network: ImportedNetwork, registry: Registry) -> Model:
    """Return the model with the network's parameters.

    Shapes and memory are checked before anything is allocated: both come from the file.
    """
    spec = parse_spec(network.sections, registry)
    model = build_model(
        spec.model, network.inputs, spec.seed, registry, parameters=network.parameters
    )
    sample = model.memory(1)
    if sample > MOST_BYTES:
        raise DataError(
            f"the network takes {sample / 2**30:,.1f} GiB for a sample, more than "
            f"{MOST_BYTES // 2**30} GiB"
        )
    for name, array in network.parameters.items():
        if not np.isfinite(array).all():
            raise DataError(f"the file has values for {name} that are NaN or infinite")
    return model


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
            hint="the importer misread a part of the file: please report it",
        )
    return max(differences)


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


def _commented(document: Mapping[str, Any], network: ImportedNetwork, path: Path) -> bytes:
    """Return the spec in TOML, a line for each layer, with what it was in the file.

    Raises:
        OutputError: TOML cannot express the document.
    """
    inputs = (
        f"{name or 'the only one'}: {info.dtype}s {list(info.shape)}"
        for name, info in network.inputs.items()
    )
    toml = CommentedToml()
    toml.comment(f"Imported from {path.name}; inputs: {'; '.join(inputs)}.")
    toml.comment("To train it further, add [data].")
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
            else:
                toml.pair(name, item)
    return toml.content(document)
