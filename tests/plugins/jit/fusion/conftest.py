"""Skip the tests that compile with llvmlite if it is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("llvmlite") else ["test_code.py", "test_programs.py"]
