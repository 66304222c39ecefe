"""Functions of NumPy as expressions of C99."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from declnet_plugins.exchange import Untranslatable
from declnet_plugins.recording import Operand, Operation

FUNCTIONS = {
    "sqrt": "sqrt", "exp": "exp", "expm1": "expm1", "exp2": "exp2", "log": "log", "log1p": "log1p",
    "log2": "log2", "log10": "log10", "cbrt": "cbrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "floor": "floor",
    "ceil": "ceil", "trunc": "trunc", "rint": "rint", "arctan2": "atan2", "hypot": "hypot",
    "fmod": "fmod", "copysign": "copysign", "fmax": "fmax", "fmin": "fmin", "absolute": "fabs",
    "fabs": "fabs", "power": "pow", "float_power": "pow",
}  # fmt: skip
"""Functions of math.h by the names of NumPy's."""

EXPRESSIONS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "positive": "{0}", "square": "{0} * {0}", "reciprocal": "1 / {0}",
    "maximum": "({0} >= {1} || {0} != {0}) ? {0} : {1}",
    "minimum": "({0} <= {1} || {0} != {0}) ? {0} : {1}",
    "sign": "({0} != {0}) ? {0} : ({0} > 0) - ({0} < 0)",
    "greater": "{0} > {1}", "greater_equal": "{0} >= {1}", "less": "{0} < {1}",
    "less_equal": "{0} <= {1}", "equal": "{0} == {1}", "not_equal": "{0} != {1}",
    "isnan": "{0} != {0}", "isfinite": "{0} - {0} == 0", "isinf": "{0} == {0} && {0} - {0} != 0",
    "logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}",
    "logical_xor": "!{0} != !{1}", "where": "{0} ? {1} : {2}",
    "absolute integer": "({0} < 0) ? -{0} : {0}",
    "clip": "({0} != {0}) ? {0} : ({0} < {1}) ? {1} : ({0} > {2}) ? {2} : {0}",
}  # fmt: skip
"""Expressions of operands that have no side effects and are written several times."""

LIMITS = {"maximum": "({0} < {1}) ? {1} : {0}", "minimum": "({0} > {1}) ? {1} : {0}"}
"""The same with a constant as the second operand, where only the first one may be NaN."""

COMPOSED = {
    "floor_divide": "floor{f}({0} / {1})",
    "remainder": "{0} - {1} * floor{f}({0} / {1})",
    "logaddexp": "(({0} > {1}) ? {0} : {1}) + log1p{f}(exp{f}(-fabs{f}({0} - {1})))",
}
"""The same of floats, with functions of math.h."""

BOOLEANS = {"bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not"}
"""What operations on bits are on booleans."""

STARTS = {"add": "0", "multiply": "1", "logical_and": "1", "logical_or": "0"}
"""What reductions start with, if not with the first item."""


def formula(operation: Operation, texts: Sequence[str], ctype: str, suffix: str) -> str:
    """Return the expression of an elementwise operation.

    Args:
        operation: the operation.
        texts: the expressions of its operands.
        ctype: the C type of its result.
        suffix: the ending of functions of math.h, `f` for floats of 32 bits.
    """
    name, kind = operation.name, operation.dtype.kind
    if name == "cast":
        return f"{texts[0]} != 0" if kind == "b" else f"({ctype}) {texts[0]}"
    if kind == "b":
        name = BOOLEANS.get(name, name)
    if kind == "i" and name == "absolute":
        name = "absolute integer"
    if name in LIMITS and _is_limit(operation.operands[1]):
        return LIMITS[name].format(*texts)
    if name in EXPRESSIONS:
        return EXPRESSIONS[name].format(*texts)
    if name in COMPOSED and kind == "f":
        return COMPOSED[name].format(*texts, f=suffix)
    if name in FUNCTIONS and kind == "f":
        return f"{FUNCTIONS[name]}{suffix}({', '.join(texts)})"
    raise Untranslatable(f"it calls np.{operation.name}, which C has no operation for")


def _is_limit(operand: Operand) -> bool:
    """Return whether it is constant, and never NaN."""
    return operand.constant is not None and not np.isnan(operand.constant).any()
