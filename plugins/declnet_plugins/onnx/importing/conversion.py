"""The process that reads an ONNX file: it limits itself, then converts the file and runs it.

It is started by `declnet_plugins.onnx.importing.process`, with a request on standard input; it
answers on standard output.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

import numpy as np

from declnet import Array, DataError
from declnet_plugins.exchange import LeftoverError, UnsupportedError
from declnet_plugins.onnx.importing.frames import receive, send
from declnet_plugins.onnx.importing.graph import Graph, parsed
from declnet_plugins.onnx.importing.heads import compute_in_float32
from declnet_plugins.onnx.importing.pipeline_session import PipelineSession
from declnet_plugins.onnx.importing.pipelines import Pipeline, is_pipeline
from declnet_plugins.onnx.importing.reading import Reader, input_name
from declnet_plugins.onnx.importing.structure import (
    COLUMN_TYPES,
    printable,
    read_arrays,
    unsupported,
    verify_graph,
)
from declnet_plugins.standard.importers import sections_for

Converted = tuple[Callable[..., Any], dict[str, Any], dict[str, Array]]
"""What answers the next request, which has JSON and arrays; and an answer, which has the same."""

STORED = 10
"""How often a file's arrays may be in memory: read, decoded, by onnxruntime, in float32 …"""


def work() -> None:
    """Answer requests until standard input ends, which ends what is being computed, too."""
    answers, requests = os.fdopen(os.dup(1), "wb"), SimpleQueue[Any]()
    os.dup2(2, 1)
    Thread(target=_receive_all, args=(os.fdopen(os.dup(0), "rb"), requests), daemon=True).start()
    with suppress(BrokenPipeError), np.errstate(all="ignore"):
        request, _ = requests.get()
        path = Path(request["path"])
        limit_process(request["gigabytes"], request["seconds"], path)
        run = _answer_with(answers, convert, path, request["outputs"], request["columns"])
        while run is not None:
            run = _answer_with(answers, run, *requests.get())


def _receive_all(file: IO[bytes], requests: SimpleQueue[Any]) -> None:
    try:
        while True:
            requests.put(receive(file))
    except EOFError:
        os._exit(1)


def _answer_with(
    answers: IO[bytes], function: Callable[..., Converted], *arguments: Any
) -> Callable[..., Converted] | None:
    """Send what a function answers, or why it fails; return what answers the next request."""
    try:
        run, message, arrays = function(*arguments)
    except LeftoverError as error:
        leftovers = [printable(part, 300) for part in error.leftovers]
        send(answers, {"leftovers": leftovers}, {})
    except DataError as error:
        send(answers, {"error": printable(error.message, 500), "hint": error.hint}, {})
    except MemoryError:
        send(answers, {"memory": True}, {})
    except Exception as error:  # a file must not end in a traceback
        reason = f"the file cannot be read as layers: {type(error).__name__}: {error}"
        send(answers, {"error": printable(reason, 500), "hint": None}, {})
    else:
        send(answers, message, arrays)
        return run
    return None


def limit_process(gigabytes: float, seconds: float, path: Path) -> None:
    """Limit this process; without effect on systems that lack such limits."""
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(OSError):  # without a file, which its reader reports
        gigabytes += STORED * path.stat().st_size / 2**30
    used = 0
    with suppress(OSError):  # other systems than Linux
        pages = Path("/proc/self/statm").read_text("ascii").split()[0]
        used = int(pages) * resource.getpagesize()
    processor = max(1, round(seconds)) + int(sum(os.times()[:2]))
    for name, limit, grace in (
        ("RLIMIT_AS", used + round(gigabytes * 2**30), 0),
        ("RLIMIT_CPU", processor, 5),  # the signal of the first limit says why it ends
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_FSIZE", 0, 0),
    ):
        with suppress(AttributeError, ValueError, OSError):  # a system that lacks it
            resource.setrlimit(getattr(resource, name), (limit, limit + grace))


def convert(path: Path, outputs: Sequence[str], columns: Sequence[str] = ()) -> Converted:
    """Return what runs a file, its preparation and layers as JSON, and arrays.

    Args:
        path: the file.
        outputs: as for `Graph`; with any, the file is not read as a pipeline.
        columns: as for `Pipeline`.

    Raises:
        LeftoverError: parts of the file correspond to no layer.
        DataError: the file cannot be read.
    """
    model = parsed(path)
    if outputs or not (columns or is_pipeline(model)):
        return _network_of(Graph(path, tuple(outputs), model=model), path)
    verify_graph(model, path, COLUMN_TYPES)
    refused = [
        f"{model.graph.node[at].op_type} {model.graph.node[at].name}: {reason}"
        for at, reason in unsupported(model.graph.node)
    ]
    if refused:
        raise LeftoverError(path, tuple(refused))
    try:
        compute_in_float32(model)
        arrays = read_arrays(model.graph.initializer, path, path.stat().st_size)
        pipeline = Pipeline(model, arrays, columns)
    except UnsupportedError as error:
        raise LeftoverError(path, (str(error),)) from None
    if pipeline.leftovers:
        raise LeftoverError(path, tuple(pipeline.leftovers))
    head = pipeline.head
    graph = Graph(path, (head.core,), model=pipeline.network)
    _, message, parameters = _network_of(graph, path)
    type_ = message["types"][-1]
    expected = {"binary": "sigmoid", "classes": "softmax"}.get(head.kind, type_)
    count = graph.shape(head.core)[-1:]
    if type_ != expected or (head.kind == "values" and count != (1,)):
        raise LeftoverError(path, (f"it predicts {list(count)} numbers, by {type_}",))
    message["table"] = {"columns": pipeline.table.plain(), "classes": head.classes}
    message["sections"] = {**pipeline.table.sections, **message["sections"]}
    message["left_out"] = [f"input {printable(name)}" for name in pipeline.left_out]
    return partial(run_rows, PipelineSession(model, pipeline)), message, parameters


def _network_of(graph: Graph, path: Path) -> Converted:
    """Return the layers of a graph; raise as `convert` does."""
    reader = Reader(graph)
    refused = reader.unreadable()
    if refused:
        raise LeftoverError(path, tuple(refused))
    graph.compute()
    sources = [value.source for value in reader.read().values()]
    if reader.leftovers:
        raise LeftoverError(path, tuple(reader.leftovers))
    network = reader.network
    types = {
        name: layer["type"] for name, layer in zip(network.mapping, network.layers, strict=True)
    }
    for name, source in zip(graph.outputs, sources, strict=True):
        if source not in types:
            raise DataError(f'{path}: the output "{name}" is an input')
    model: dict[str, Any] = {}
    if sources != [*types][-1:]:
        model["outputs"] = sources
    model["layers"] = [layer["type"] if len(layer) == 1 else layer for layer in network.layers]
    only = len(graph.inputs) == 1
    names = ["" if only else input_name(name) for name in graph.inputs]
    if len({*names}) < len(names):
        raise DataError(f"{path}: the names of its inputs are too much alike: {names}")
    vocabulary = min(
        (layer["categories"] for layer in network.layers if "categories" in layer), default=None
    )
    message = {
        "sections": sections_for(model, {name: types[name] for name in sources}),
        "inputs": [
            [name, info.dtype, info.shape]
            for name, info in zip(names, graph.inputs.values(), strict=True)
        ],
        "vocabulary": vocabulary,
        "mapping": {
            name: printable(", ".join(dict.fromkeys(node.split(" #")[0] for node in nodes)), 300)
            for name, nodes in network.mapping.items()
        },
        "types": [types[name] for name in sources],
        "left_out": [f"output {printable(name)}" for name in graph.left_out],
    }
    return partial(run, graph), message, network.parameters


def run(graph: Graph, _: Any, x: Mapping[str, Array]) -> Converted:
    """Return the outputs of the file's network for an array for each input, by position."""
    inputs = {
        name: x[str(at)].astype(info.dtype) for at, (name, info) in enumerate(graph.inputs.items())
    }
    return partial(run, graph), {}, {str(at): output for at, output in enumerate(graph.run(inputs))}


def run_rows(session: PipelineSession, columns: Mapping[str, Any], _: Any) -> Converted:
    """Return the outputs of the file's pipeline for cells by column, with the classes."""
    arrays = {
        name: np.array(cells, object if kind == "text" else None)
        for name, (kind, cells) in columns.items()
    }
    predictions = session.run(arrays)
    message = {"prediction": predictions.prediction.tolist()}
    return (
        partial(run_rows, session),
        message,
        {"outputs": predictions.outputs, "valid": np.asarray(predictions.valid)},
    )


if __name__ == "__main__":
    work()
