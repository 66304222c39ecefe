"""The recording of a component's NumPy code, of which the engine and exporters make other code.

`Recording` notes the calls of NumPy that a method makes on arrays of its own class.
`SampleRecording` makes a `SampleProgram` of the calls for a batch: what is computed for one sample.
`__init__.pyi` lists the public names, which are imported on first use.
"""

from declnet import lazy_names

__getattr__ = lazy_names(__name__)
