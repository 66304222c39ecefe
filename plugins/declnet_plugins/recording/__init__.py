"""Record a component's NumPy calls, from which the engine and exporters generate code.

`Recording` notes the NumPy calls that a method makes on instances of `RecordedArray`.
`SampleRecording` makes a `SampleProgram` of the calls for a batch: the computation for one sample.
`__init__.pyi` lists the public names, which are imported on first use.
"""

from declnet import lazy_names

__getattr__ = lazy_names(__name__)
