"""What the tests of fused code need."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("llvmlite") else ["test_code.py", "test_programs.py"]
