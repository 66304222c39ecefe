"""Models to and from files of other formats: contracts, and the commands `export` and `import`.

It uses only the public API of declnet, so that another package could have provided it. Plugins add
formats by the contracts `Exporter`, `Translation` and `Importer`. `__init__.pyi` lists the public
names, which are imported on first use.

`predictors` turns the models of a run, or of folds, into an `ExportedModel`: raw columns, fitted
transforms with the types and shapes around them, layers with their parameters, and what follows
each loss. `translating` walks through it once for all formats, in the order of a prediction, and
calls a translation for each component (looked up by format and exact class) and the exporter's
writer for everything in between. `exporting` compares the file with declnet in a temporary folder
before it moves it. `file_source` runs a file again, for `declnet diff --data`.
"""

from declnet import lazy_names

__getattr__ = lazy_names(__name__)
