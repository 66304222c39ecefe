"""A step of each recurrent layer for one sample s, forward and backward.

A step reads its sums of products in a[k, s], and leaves there what the way back needs. It writes h
to z[k + 1, s, first:], where the next step's product reads it, and may save more in
saved[k + 1, s]. The way back puts the gradient of a in place of a, and adds the gradient of the h
before to dh.
"""

import numpy as np

from declnet_plugins.jit import Routine, logistic, tanh

ONE = np.uint64(1)


@Routine
def lstm_step(a, saved, z, k, s, first, units, padding):  # type: ignore[no-untyped-def]
    """i, f, o, g from a; c = f * c' + i * g, 0 at padding; h = o * tanh(c). Keeps c, tanh(c)."""
    one, two, three = units, units + units, units + units + units
    for j in range(three):
        a[k, s, j] = logistic(a[k, s, j])
    for j in range(units):
        a[k, s, three + j] = tanh(a[k, s, three + j])
    if padding:
        for j in range(units):
            saved[k + ONE, s, j] = saved.dtype.type(0)
    else:
        for j in range(units):
            saved[k + ONE, s, j] = (
                a[k, s, one + j] * saved[k, s, j] + a[k, s, j] * a[k, s, three + j]
            )
    for j in range(units):
        saved[k + ONE, s, one + j] = tanh(saved[k + ONE, s, j])
    for j in range(units):
        z[k + ONE, s, first + j] = a[k, s, two + j] * saved[k + ONE, s, one + j]


@Routine
def lstm_step_back(a, saved, _z, k, s, _first, units, dh, carried, scratch):  # type: ignore[no-untyped-def]
    """da in place of a, from dh and the gradient of c, which is carried to the step before."""
    two, three, unity = units + units, units + units + units, a.dtype.type(1)
    for j in range(units):
        t = saved[k + ONE, s, units + j]
        carried[s, j] += dh[s, j] * a[k, s, two + j] * (unity - t * t)
    for j in range(units):
        o = a[k, s, two + j]
        a[k, s, two + j] = dh[s, j] * saved[k + ONE, s, units + j] * o * (unity - o)
    for j in range(units):
        g = a[k, s, three + j]
        scratch[s, j] = carried[s, j] * a[k, s, j] * (unity - g * g)
    for j in range(units):
        i = a[k, s, j]
        a[k, s, j] = carried[s, j] * a[k, s, three + j] * i * (unity - i)
    for j in range(units):
        a[k, s, three + j] = scratch[s, j]
    for j in range(units):
        scratch[s, j] = carried[s, j] * a[k, s, units + j]
    for j in range(units):
        f = a[k, s, units + j]
        a[k, s, units + j] = carried[s, j] * saved[k, s, j] * f * (unity - f)
    for j in range(units):
        carried[s, j] = scratch[s, j]
        dh[s, j] = dh.dtype.type(0)


@Routine
def gru_step(a, _saved, z, k, s, first, units, padding):  # type: ignore[no-untyped-def]
    """c, r, z, q from a: c = tanh(c + r * q); h = c + z * (h' - c), 0 at padding."""
    two, three = units + units, units + units + units
    for j in range(units, three):
        a[k, s, j] = logistic(a[k, s, j])
    for j in range(units):
        a[k, s, j] += a[k, s, units + j] * a[k, s, three + j]
    for j in range(units):
        a[k, s, j] = tanh(a[k, s, j])
    if padding:
        for j in range(units):
            z[k + ONE, s, first + j] = z.dtype.type(0)
    else:
        for j in range(units):
            c = a[k, s, j]
            z[k + ONE, s, first + j] = c + a[k, s, two + j] * (z[k, s, first + j] - c)


@Routine
def gru_step_back(a, _saved, z, k, s, first, units, dh, _carried, scratch):  # type: ignore[no-untyped-def]
    """dc, dr, dz, dq in place of a, from dh; dh * z reaches the step before directly."""
    two, three, unity = units + units, units + units + units, a.dtype.type(1)
    for j in range(units):
        scratch[s, j] = dh[s, j] * a[k, s, two + j]
    for j in range(units):
        u = a[k, s, two + j]
        a[k, s, two + j] = dh[s, j] * (z[k, s, first + j] - a[k, s, j]) * u * (unity - u)
    for j in range(units):
        c = a[k, s, j]
        a[k, s, j] = (dh[s, j] - scratch[s, j]) * (unity - c * c)
    for j in range(units):
        dh[s, j] = scratch[s, j]
    for j in range(units):
        scratch[s, j] = a[k, s, j] * a[k, s, three + j]
    for j in range(units):
        a[k, s, three + j] = a[k, s, j] * a[k, s, units + j]
    for j in range(units):
        r = a[k, s, units + j]
        a[k, s, units + j] = scratch[s, j] * r * (unity - r)


@Routine
def tanh_step(a, _saved, z, k, s, first, units, padding):  # type: ignore[no-untyped-def]
    """h = tanh(a), 0 at padding."""
    for j in range(units):
        h = tanh(a[k, s, j])
        z[k + ONE, s, first + j] = z.dtype.type(0) if padding else h


@Routine
def tanh_step_back(a, _saved, z, k, s, first, units, dh, _carried, _scratch):  # type: ignore[no-untyped-def]
    """da = dh * (1 - h²), in place of a."""
    for j in range(units):
        h = z[k + ONE, s, first + j]
        a[k, s, j] = dh[s, j] * (a.dtype.type(1) - h * h)
    for j in range(units):
        dh[s, j] = dh.dtype.type(0)


@Routine
def relu_step(a, _saved, z, k, s, first, units, padding):  # type: ignore[no-untyped-def]
    """h = max(a, 0), 0 at padding."""
    zero = z.dtype.type(0)
    for j in range(units):
        h = a[k, s, j]
        z[k + ONE, s, first + j] = zero if padding or h < zero else h


@Routine
def relu_step_back(a, _saved, z, k, s, first, units, dh, _carried, _scratch):  # type: ignore[no-untyped-def]
    """da = dh where h > 0, in place of a."""
    zero, unity = a.dtype.type(0), a.dtype.type(1)
    for j in range(units):
        a[k, s, j] = dh[s, j] * (unity if z[k + ONE, s, first + j] > zero else zero)
    for j in range(units):
        dh[s, j] = zero
