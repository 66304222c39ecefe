"""How Sphinx builds the documentation: `sphinx-build -W --keep-going -b html docs site`."""

import sys
from pathlib import Path

import declnet

sys.path.insert(0, str(Path(__file__).parent / "_extension"))

project = "declnet"
author = "the declnet authors"
copyright = "the declnet authors"  # noqa: A001  # Sphinx's name for it
version = release = declnet.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "declnet_pages"]
exclude_patterns = ["generated", "_extension"]

html_theme = "furo"
html_title = f"declnet {declnet.__version__}"
pygments_style = "tango"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
autodoc_type_aliases = {
    "Array": "declnet.Array",
    "Shape": "declnet.Shape",
    "Dtype": "declnet.Dtype",
    "npt.ArrayLike": "numpy.typing.ArrayLike",
    "npt.DTypeLike": "numpy.typing.DTypeLike",
    "Data": "Data",
    "Listener": "Listener",
}
autodoc_default_options = {"exclude-members": "model_config, kind, required_methods"}
