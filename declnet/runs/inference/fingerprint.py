"""The fingerprint of a predictor: whether two of them predict the same from the same rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

import declnet
from declnet.contracts.component import components_in
from declnet.data.preparing.stored_preparation import stored as stored_preparation
from declnet.registry.plugin import FIRST_PARTY
from declnet.runs.inference.calibration import stored as stored_calibrations
from declnet.runs.inference.member import Member
from declnet.runs.inference.predictor import Predictor
from declnet.spec.model import resolved_document


def fingerprint_of(predictor: Predictor) -> str:
    """Return the SHA-256 of what a predictor's predictions follow from.

    That is the networks with their parameters, preparation, calibration and threshold, and the
    versions of the distributions that compute them. It does not matter where the run is stored.
    """
    digest = hashlib.sha256()
    thresholds = [np.asarray(reading.threshold).tolist() for reading in predictor.readings]
    digest.update(json.dumps([thresholds, list(predictor.weights)]).encode())
    for member in predictor.members:
        for part in _parts(member):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _parts(member: Member) -> Iterator[bytes]:
    document: dict[str, Any] = resolved_document(member.spec)
    document.get("model", {}).pop("initial_weights", None)
    sections = {key: document.get(key) for key in ("model", "loss", "losses")}
    yield json.dumps([sections, _versions(member)], sort_keys=True).encode()
    arrays = dict(member.model.store.arrays)
    if not member.preparation.changes_nothing:
        content, more = stored_preparation(member.preparation)
        arrays |= {f"preparation {name}": array for name, array in more.items()}
        yield content
    yield stored_calibrations(member.calibrations)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        yield f"{name} {array.dtype.str} {array.shape}".encode()
        yield array.tobytes()


def _versions(member: Member) -> dict[str, str]:
    """Return the versions of the distributions of a member's components, by name."""
    plugins = (
        member.registry.plugin_of(type(component)) for _, component in components_in(member.spec)
    )
    versions = {plugin.distribution: plugin.version for plugin in plugins if plugin is not None}
    return {**versions, FIRST_PARTY: declnet.__version__}
