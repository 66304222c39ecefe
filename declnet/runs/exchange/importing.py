"""Networks that were trained elsewhere, written as a spec with weights and compared before that."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.formats.importer import ImportedNetwork, Importer
from declnet.contracts.network.inputs import InputInfo
from declnet.errors import DataError, OutputError
from declnet.graph.model import Model, build_model
from declnet.registry.registry import Registry
from declnet.runs.inference.prediction_files import require_free, whole_file
from declnet.runs.storage.writing import make_folder
from declnet.spec.validate import parse_spec

SAMPLES = 100
"""Random samples whose predictions are compared."""

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
    from safetensors.numpy import save

    with attributing_errors(registry):
        network = importer.read(path)
        model = _model_of(network, registry)
        difference = _difference(network, model)
    spec, weights = _files(output)
    for each in (spec, weights):
        if each.exists():
            require_free(each, overwrite)
            if each.samefile(path):
                raise OutputError(f"{each}: this is the file to import; choose another name")
    if spec.parent != output.parent:
        make_folder(output)
    for file, content in (
        (weights, save(model.parameters())),
        (spec, _text(network, path, weights.name).encode()),
    ):
        with whole_file(file, overwrite) as handle:
            handle.write(content)
    return ImportSummary(
        spec,
        weights,
        network.mapping,
        {node.name: node.layer.type for node in model.nodes},
        network.left_out,
        sum(each.size for each in network.parameters.values()),
        difference,
        SAMPLES,
    )


def _model_of(network: ImportedNetwork, registry: Registry) -> Model:
    spec = parse_spec(network.sections, registry)
    model = build_model(spec.model, dict(network.inputs), spec.seed, registry)
    for name, array in network.parameters.items():
        if not np.isfinite(array).all():
            raise DataError(f"the file has values for {name} that are NaN or infinite")
    model.load_parameters(network.parameters, "the file")
    return model


def _difference(network: ImportedNetwork, model: Model) -> float | None:
    """Return the largest difference for random samples; raise DataError if it is too large."""
    if network.predict is None:
        return None
    rng = np.random.default_rng(0)
    x = {name: _random(rng, info) for name, info in network.inputs.items()}
    wanted = network.predict(list(x.values()))
    found = model.predict(x)
    outputs = list(found.values()) if isinstance(found, dict) else [found]
    differences, allowed = [], True
    for own, given in zip(outputs, wanted, strict=True):
        other = given
        if other.ndim == 1 and own.shape[1:] == (1,):  # one number for each sample
            other = other[:, None]
        if own.shape != other.shape:
            raise DataError(
                f"the network's predictions have the shape {own.shape[1:]}, in the file "
                f"{other.shape[1:]}"
            )
        largest = float(np.max(np.abs(own.astype(float) - other)))
        differences.append(largest)
        allowed &= largest <= TOLERANCE * max(1.0, float(np.max(np.abs(other))))
    if not allowed or not np.isfinite(differences).all():
        raise DataError(
            f"the network's predictions differ from the file's by up to {max(differences):.2g}",
            hint="the importer misread a part of the file: please report it",
        )
    return max(differences)


def _random(rng: np.random.Generator, info: InputInfo) -> Array:
    shape = (SAMPLES, *info.shape)
    if info.dtype == "integer":
        return rng.integers(0, info.vocabulary or min(info.levels or (2,)), shape)
    return rng.standard_normal(shape).astype(np.float32)


def _files(output: Path) -> tuple[Path, Path]:
    if output.suffix == ".toml":
        return output, output.with_suffix(".safetensors")
    return output / "spec.toml", output / "weights.safetensors"


def _text(network: ImportedNetwork, path: Path, weights: str) -> str:
    """Return the spec in TOML, a line for each layer, with what it was in the file."""
    given = [
        f"{name or 'the only one'}: {info.dtype}s {list(info.shape)}"
        for name, info in network.inputs.items()
    ]
    lines = [
        f"# Imported from {path.name}; inputs: {'; '.join(given)}.",
        "# To train it further, add [data].",
        "declnet = 1",
        "",
    ]
    for section, content in network.sections.items():
        lines.append(f"[{section}]")
        if section == "model":
            lines.append(f"initial_weights = {json.dumps(weights)}")
        for key, value in content.items():
            if key == "layers":
                lines += ["layers = [", *_layers(value, network.mapping), "]"]
            else:
                lines.append(f"{_key(key)} = {_inline(value)}")
        lines.append("")
    return "\n".join(lines)


def _layers(layers: Sequence[Any], mapping: Mapping[str, str]) -> list[str]:
    rows = [f"  {_inline(each)}," for each in layers]
    origins = list(mapping.values())
    if len(origins) != len(rows):
        return rows
    return [
        f"{row} # {origin}" if origin else row for row, origin in zip(rows, origins, strict=True)
    ]


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(k)} = {_inline(v)}' for k, v in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
