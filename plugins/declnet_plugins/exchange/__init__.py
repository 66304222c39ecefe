"""Models to and from files of other formats: contracts, and the commands `export` and `import`.

It uses only the public API of declnet, so that another package could have provided it. Plugins add
formats by the contracts `Exporter`, `Translation` and `Importer`. `__init__.pyi` lists the public
names, which are imported on first use.
"""

from declnet import lazy_names

__getattr__ = lazy_names(__name__)
