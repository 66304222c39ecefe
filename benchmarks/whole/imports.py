"""The time of an import: a process that imports and exits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from statistics import median

from measuring.processes import Processes
from measuring.table import aligned

# The imports that training needs; declnet and keras load some of their modules on demand.
STATEMENTS = {
    "python": "pass",
    "numpy": "import numpy",
    "declnet": "from declnet import load_spec, run",
    "torch": "import torch",
    "jax": "import jax.numpy",
    "keras": "from keras import Sequential, layers, losses, optimizers",
    "sklearn": "from sklearn.neural_network import MLPClassifier",
    "onnxruntime": "import onnxruntime",
}


@dataclass
class Import:
    """The import times of a module in milliseconds, whole process, one per round."""

    module: str
    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median."""
        return median(self.times)


def measure_imports(
    processes: Processes, rounds: int, report: Callable[[str], None]
) -> list[Import]:
    """Measure every installed module, round by round, after one that warms the file caches."""
    modules = [name for name in STATEMENTS if name == "python" or find_spec(name)]
    imports = [Import(module) for module in modules]
    for turn in range(rounds + 1):
        for imported in imports:
            seconds, _ = processes.python("-c", STATEMENTS[imported.module])
            if turn:
                imported.times.append(1000 * seconds)
        report(f"imports {turn}/{rounds}")
    return imports


def import_table(imports: list[Import]) -> str:
    """Return the table, fastest first."""
    lines = [("import", "ms", "min-max", "statement")]
    for imported in sorted(imports, key=lambda imported: imported.median):
        span = f"{min(imported.times):.0f}-{max(imported.times):.0f}"
        lines.append((imported.module, f"{imported.median:.0f}", span, STATEMENTS[imported.module]))
    text = ["a process that imports and ends", *(f"  {line}" for line in aligned(lines))]
    return "\n".join(text)
