"""Initializers of parameters: their lookup, what they are given, and the errors in them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.contracts.arrays import Shape
from declnet.contracts.memory import beyond_memory
from declnet.contracts.network.parameter import Initializer, Parameter
from declnet.errors import Diagnostic, error_message
from declnet.graph.shapes import Node
from declnet.registry.registry import Registry


def initializer_of(parameter: Parameter, registry: Registry) -> Initializer:
    """Return a parameter's initializer; raise pydantic's errors for an invalid name or table."""
    return Initializer.from_declaration(parameter.initializer, {"registry": registry})


def fans(parameter: Parameter) -> tuple[int, int]:
    """Return (fan_in, fan_out) as declared by the parameter, or from its shape."""
    shape = parameter.shape
    if len(shape) >= 3:
        fan_in, fan_out = prod(shape[1:]), shape[0] * prod(shape[2:])
    elif len(shape) == 2:
        fan_in, fan_out = shape
    else:
        fan_in = fan_out = prod(shape)
    return parameter.fan_in or fan_in, parameter.fan_out or fan_out


def initializer_problems(nodes: Sequence[Node], registry: Registry) -> list[Diagnostic]:
    """Return the errors in initializers that layers name themselves, and shapes they reject."""
    problems = []
    accepted: set[tuple[str | int, Shape]] = set()
    for node in nodes:
        for name, parameter in node.parameters.items() if node.shared is None else ():
            declared, path = parameter.initializer, ("model", "layers", node.index)
            key = declared if isinstance(declared, str) else id(declared), _small(parameter.shape)
            if key in accepted:
                continue
            try:
                initializer = initializer_of(parameter, registry)
            except (PydanticCustomError, ValidationError) as error:
                where, said, context = _first_of(error)
                message = f'"{node.name}": parameter {name}: {where}{said}'
                code = "E025" if where else context.get("code", "E025")
                problems.append(Diagnostic(message, context.get("hint"), path, code))
                continue
            rejection = _rejection(initializer, parameter)
            if rejection is None:
                accepted.add(key)
            else:
                message = f'"{node.name}": parameter {name}: {rejection}'
                problems.append(Diagnostic(message, "use another initializer", path, "E022"))
    return problems


def _small(shape: Shape) -> Shape:
    """Return a shape with as many axes that is quickly filled."""
    return tuple(min(size, 3) for size in shape)


def _rejection(initializer: Initializer, parameter: Parameter) -> str | None:
    """Return why `fill` rejects a parameter's shape, and a small one like it; None if it does not.

    The small one comes first, since filling the parameter could take long.
    """
    rng, rejection = np.random.Generator(np.random.PCG64(0)), None
    for shape in (_small(parameter.shape), parameter.shape):
        if beyond_memory(prod(shape) * np.dtype(float).itemsize) is not None:
            return None  # the run as a whole then needs too much
        try:
            initializer.fill(np.zeros(shape), rng, *fans(parameter))
        except ValueError as error:
            rejection = error_message(error)
        else:
            return None
    return rejection


def _first_of(error: PydanticCustomError | ValidationError) -> tuple[str, str, dict[str, Any]]:
    """Return the key in the initializer's table ("" for its type), the message and its context."""
    if isinstance(error, PydanticCustomError):
        return "", error.message(), error.context or {}
    first = error.errors()[0]
    keys = ".".join(map(str, first["loc"]))
    where = f"{keys}: " if keys not in ("", "type") else ""
    return where, first["msg"], first.get("ctx", {})
