"""Dense layers with few inputs or units: loops over contiguous samples, where BLAS is slow.

All arrays have the batch axis last: x (inputs, n), y (units, n). Indices are unsigned, so the
compiler need not handle negative ones and can vectorize. Samples are processed in blocks whose
rows fit in the L1 cache. Sums over inputs or units are unrolled by four; the last index pads a
shorter remainder with a weight of 0.
"""

import numpy as np

from declnet_jit.routine import Routine

BLOCK = np.uint64(512)
ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))


@Routine
def thin_forward(x, w, b, rectified, y):  # type: ignore[no-untyped-def]
    """Y = w.T x + b, or max(w.T x + b, 0)."""
    inputs, n, units = np.uint64(x.shape[0]), np.uint64(x.shape[1]), np.uint64(y.shape[0])
    last, zero = inputs - ONE, b.dtype.type(0)
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(units):
            bias = b[j]
            for s in range(start, stop):
                y[j, s] = bias
        for i in range(ZERO, inputs, FOUR):
            i1, i2, i3 = min(i + ONE, last), min(i + TWO, last), min(i + THREE, last)
            for j in range(units):
                w0 = w[i, j]
                w1 = w[i1, j] if i + ONE < inputs else zero
                w2 = w[i2, j] if i + TWO < inputs else zero
                w3 = w[i3, j] if i + THREE < inputs else zero
                for s in range(start, stop):
                    y[j, s] += w0 * x[i, s] + w1 * x[i1, s] + w2 * x[i2, s] + w3 * x[i3, s]
        if rectified:
            for j in range(units):
                for s in range(start, stop):
                    y[j, s] = zero if y[j, s] < zero else y[j, s]


@Routine
def two_inputs_forward(x, w, b, low, y):  # type: ignore[no-untyped-def]
    """Y = max(w.T x + b, low) for two inputs, in one pass over y."""
    n, units = np.uint64(x.shape[1]), np.uint64(y.shape[0])
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(units):
            bias, w0, w1 = b[j], w[ZERO, j], w[ONE, j]
            for s in range(start, stop):
                value = bias + w0 * x[ZERO, s] + w1 * x[ONE, s]
                y[j, s] = low if value < low else value


@Routine
def thin_weight_gradient(x, dy, dw, db):  # type: ignore[no-untyped-def]
    """Dw = x dy.T; db = sum dy."""
    inputs, n, units = np.uint64(x.shape[0]), np.uint64(x.shape[1]), np.uint64(dy.shape[0])
    last, zero = inputs - ONE, dw.dtype.type(0)
    for j in range(units):
        db[j] = zero
        for i in range(inputs):
            dw[i, j] = zero
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(units):
            total = zero
            for s in range(start, stop):
                total += dy[j, s]
            db[j] += total
        for i in range(ZERO, inputs, FOUR):
            i1, i2, i3 = min(i + ONE, last), min(i + TWO, last), min(i + THREE, last)
            for j in range(units):
                a0 = a1 = a2 = a3 = zero
                for s in range(start, stop):
                    slope = dy[j, s]
                    a0 += slope * x[i, s]
                    a1 += slope * x[i1, s]
                    a2 += slope * x[i2, s]
                    a3 += slope * x[i3, s]
                dw[i, j] += a0
                if i + ONE < inputs:
                    dw[i1, j] += a1
                if i + TWO < inputs:
                    dw[i2, j] += a2
                if i + THREE < inputs:
                    dw[i3, j] += a3


@Routine
def two_inputs_gradient(x, y, dy, dw, db):  # type: ignore[no-untyped-def]
    """Dw = x (dy where y > 0).T and db = its sums, for two inputs; dy is unchanged."""
    n, units = np.uint64(x.shape[1]), np.uint64(dy.shape[0])
    zero, one = dw.dtype.type(0), dw.dtype.type(1)
    for j in range(units):
        total = a0 = a1 = zero
        for s in range(n):
            slope = dy[j, s] * (one if y[j, s] > zero else zero)
            total += slope
            a0 += slope * x[ZERO, s]
            a1 += slope * x[ONE, s]
        db[j] = total
        dw[ZERO, j] = a0
        dw[ONE, j] = a1


@Routine
def thin_input_gradient(w, dy, dx):  # type: ignore[no-untyped-def]
    """Dx = w dy."""
    inputs, n, units = np.uint64(dx.shape[0]), np.uint64(dx.shape[1]), np.uint64(dy.shape[0])
    last, zero = units - ONE, w.dtype.type(0)
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for i in range(inputs):
            for j in range(ZERO, units, FOUR):
                j1, j2, j3 = min(j + ONE, last), min(j + TWO, last), min(j + THREE, last)
                w0 = w[i, j]
                w1 = w[i, j1] if j + ONE < units else zero
                w2 = w[i, j2] if j + TWO < units else zero
                w3 = w[i, j3] if j + THREE < units else zero
                if j == ZERO:
                    for s in range(start, stop):
                        dx[i, s] = w0 * dy[j, s] + w1 * dy[j1, s] + w2 * dy[j2, s] + w3 * dy[j3, s]
                else:
                    for s in range(start, stop):
                        dx[i, s] += w0 * dy[j, s] + w1 * dy[j1, s] + w2 * dy[j2, s] + w3 * dy[j3, s]


@Routine
def add_bias(y, b, low):  # type: ignore[no-untyped-def]
    """Y = max(y + b, low)."""
    for j in range(np.uint64(y.shape[0])):
        bias = b[j]
        for s in range(np.uint64(y.shape[1])):
            value = y[j, s] + bias
            y[j, s] = low if value < low else value


@Routine
def sum_slopes(dy, db):  # type: ignore[no-untyped-def]
    """Db = sum dy."""
    for j in range(np.uint64(dy.shape[0])):
        total = db.dtype.type(0)
        for s in range(np.uint64(dy.shape[1])):
            total += dy[j, s]
        db[j] = total


@Routine
def rectify_slopes(y, dy, db):  # type: ignore[no-untyped-def]
    """Dy = dy where y > 0, else 0; db = sum dy."""
    zero, one = db.dtype.type(0), db.dtype.type(1)
    for j in range(np.uint64(dy.shape[0])):
        total = zero
        for s in range(np.uint64(dy.shape[1])):
            slope = dy[j, s] * (one if y[j, s] > zero else zero)
            dy[j, s] = slope
            total += slope
        db[j] = total
