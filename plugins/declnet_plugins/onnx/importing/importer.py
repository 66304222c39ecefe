"""The importer of ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from declnet import InputInfo
from declnet_plugins.exchange import ImportedNetwork, Importer, PreparedTable
from declnet_plugins.onnx.exporter import OnnxExporter

if TYPE_CHECKING:
    from declnet_plugins.onnx.importing.process import FileProcess


class OnnxImporter(Importer):
    """Networks in ONNX, e.g. exported by PyTorch, as layers; pipelines of scikit-learn as a whole.

    Nodes become layers of the same numbers. Of a network, outputs that are not floats are left out.
    Of a pipeline that skl2onnx wrote, scalers, imputers and encoders become transforms of columns,
    and labels become classes. `outputs` can name any values of the graph, so that what comes after
    them is left out; then everything before them must be layers.
    """

    type = "onnx"
    suffixes = (".onnx",)
    examples = ({}, {"outputs": ["probabilities"]})

    outputs: tuple[str, ...] = Field(
        default=(), description="values of the graph; default: all of its outputs that are floats"
    )
    columns: tuple[str, ...] = Field(
        default=(),
        description="names of the columns of a pipeline with one input; default: x0, x1, …",
    )
    gigabytes: float = Field(
        default=4.0, gt=0, description="memory for reading and running the file, besides its arrays"
    )
    seconds: float = Field(
        default=120.0, gt=0, description="processor time for reading and running the file"
    )

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why ONNX files cannot be read, if so."""
        return OnnxExporter.unavailable()

    def read(self, path: Path) -> ImportedNetwork:
        """Return the network of a file, which another process reads within limits."""
        from declnet_plugins.onnx.importing.process import FileProcess

        process = FileProcess(path, self.gigabytes, self.seconds)
        return network_of(process, self.outputs, self.columns)


def network_of(
    process: FileProcess, outputs: tuple[str, ...], columns: tuple[str, ...] = ()
) -> ImportedNetwork:
    """Return the network of a file that a process reads and, as long as it is needed, runs."""
    network, parameters = process.convert(outputs, columns)
    if "table" in network:
        return ImportedNetwork(
            sections=network["sections"],
            inputs={},
            parameters=parameters,
            mapping=network["mapping"],
            left_out=tuple(network["left_out"]),
            table=PreparedTable.from_plain(network["table"]["columns"]).imported(
                network["table"]["classes"], process.run_rows
            ),
        )
    inputs = {
        name: InputInfo(tuple(shape), "integer", None, network["vocabulary"])
        if dtype.startswith("int")
        else InputInfo(tuple(shape))
        for name, dtype, shape in network["inputs"]
    }
    return ImportedNetwork(
        sections=network["sections"],
        inputs=inputs,
        parameters=parameters,
        mapping=network["mapping"],
        left_out=tuple(network["left_out"]),
        predict=process.run,
    )
