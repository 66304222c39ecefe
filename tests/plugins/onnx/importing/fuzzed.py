"""A worker that imports the files named on its input, and prints how each import ended."""

from __future__ import annotations

import json
import resource
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

from declnet import DeclnetError, column_type, default_registry
from declnet_plugins.exchange import import_network
from declnet_plugins.onnx.importing import conversion
from declnet_plugins.onnx.importing.importer import OnnxImporter, network_of
from declnet_plugins.onnx.importing.process import predictions_of

MEMORY = 6 * 2**30


class Converter:
    """A `FileProcess` that converts in this process."""

    def __init__(self, path):
        self.path = path

    def convert(self, outputs, columns):
        with np.errstate(all="ignore"):
            self.answer, message, parameters = conversion.convert(self.path, outputs, columns)
        return json.loads(json.dumps(message)), parameters

    def run_rows(self, columns):
        cells = {name: (column_type(array), array.tolist()) for name, array in columns.items()}
        with np.errstate(all="ignore"):
            _, message, arrays = self.answer(json.loads(json.dumps(cells)), {})
        return predictions_of(message, arrays)

    def run(self, x):
        inputs = {str(at): array for at, array in enumerate(x)}
        with np.errstate(all="ignore"):
            _, _, outputs = self.answer({}, inputs)
        return list(outputs.values())


class DirectImporter(OnnxImporter):
    """An importer of ONNX files that starts no process."""

    def read(self, path):
        return network_of(Converter(path), self.outputs, self.columns)


def ending(path):
    try:
        import_network(
            DirectImporter(), path, path.with_suffix(".toml"), default_registry(), overwrite=True
        )
    except DeclnetError as error:
        return f"refused: {error}"
    except MemoryError:
        return "refused: memory"
    except Exception:
        return traceback.format_exc()
    return "imported"


if __name__ == "__main__":
    warnings.simplefilter("error")
    default_registry()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(ending(Path(line.rstrip("\n")))) + "\n")
        sys.stdout.flush()
