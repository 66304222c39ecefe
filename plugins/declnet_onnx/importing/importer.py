"""The importer of ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from declnet import Array, ImportedNetwork, Importer, InputInfo, LeftoverError
from declnet_onnx.exporter import OnnxExporter
from declnet_standard.importers import sections_for


class OnnxImporter(Importer):
    """Networks in ONNX, e.g. exported by PyTorch or scikit-learn, as layers.

    Nodes become layers of the same numbers; outputs that are not floats, such as labels, are left
    out. `outputs` can name any values of the graph, so that what comes after them is left out.
    """

    type = "onnx"
    suffixes = (".onnx",)
    examples = ({}, {"outputs": ["probabilities"]})

    outputs: tuple[str, ...] = Field(
        default=(), description="values of the graph; default: all of its outputs that are floats"
    )

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why ONNX files cannot be read, if so."""
        return OnnxExporter.unavailable()

    def read(self, path: Path) -> ImportedNetwork:
        """Return the network of a file."""
        from declnet_onnx.importing.graph import Graph
        from declnet_onnx.importing.reading import Reader, input_name

        graph = Graph(path, self.outputs)
        reader = Reader(graph)
        outputs = reader.read()
        if reader.leftovers:
            raise LeftoverError(path, tuple(reader.leftovers))
        network = reader.network
        names = [each.source for each in outputs.values()]
        last = [*network.mapping][-1] if network.mapping else ""
        model: dict[str, Any] = {}
        if names != [last]:
            model["outputs"] = names
        model["layers"] = [each["type"] if len(each) == 1 else each for each in network.layers]
        types = {
            name: each["type"] for name, each in zip(network.mapping, network.layers, strict=True)
        }
        only = len(graph.inputs) == 1
        vocabulary = _vocabulary(network.layers)
        inputs = {
            "" if only else input_name(name): InputInfo(each.shape, "integer", None, vocabulary)
            if each.dtype.startswith("int")
            else InputInfo(each.shape)
            for name, each in graph.inputs.items()
        }
        kinds = [each.dtype for each in graph.inputs.values()]

        def predict(x: list[Array]) -> list[Array]:
            given = zip(graph.inputs, x, kinds, strict=True)
            return graph.run({name: each.astype(kind) for name, each, kind in given})

        return ImportedNetwork(
            sections=sections_for(model, {name: types[name] for name in names}),
            inputs=inputs,
            parameters=network.parameters,
            mapping={name: ", ".join(each) for name, each in network.mapping.items()},
            left_out=tuple(f"output {name}" for name in graph.left_out),
            predict=predict,
        )


def _vocabulary(layers: list[dict[str, Any]]) -> int | None:
    """Return how many integers every embedding takes."""
    return min((each["categories"] for each in layers if "categories" in each), default=None)
