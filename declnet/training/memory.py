"""Memory estimates for a run: its graphs and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from declnet.contracts.arrays import Shape
from declnet.contracts.data.dataset import DataInfo
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.returned import verified
from declnet.data.batches import THIN
from declnet.graph.adapting import adapted_part, adapting_slots, samples_to_adapt
from declnet.graph.arrays import workspace_bytes
from declnet.graph.inference import inference_memory, samples_at_once
from declnet.graph.kernels import Kernels, endings_of
from declnet.graph.memory_plan import Ending, plan_memory
from declnet.graph.parameters import Slot, group_of, slots_of
from declnet.graph.shapes import Network, frozen_nodes
from declnet.graph.update import SLICE, state_shapes
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.spec.partial import PartialSpec
from declnet.training.state import MAX_COPIED_BYTES


def run_memory(
    spec: PartialSpec,
    data: Mapping[str, DataInfo],
    network: Network | None,
    registry: Registry | None = None,
) -> dict[str, int] | None:
    """Return the bytes that a run holds, by purpose; None if unknown.

    Args:
        spec: the run's spec, of which losses and optimizer are needed.
        data: what is known about each data set.
        network: the model's layers; None if unknown.
    """
    samples = data["train"].samples if "train" in data else None
    if network is None or samples is None or any(info.samples is None for info in data.values()):
        return None
    losses = [head.loss for head in spec.heads if head.loss is not None]
    if len(losses) < len(spec.heads) or spec.optimizer is None:
        return None
    nodes = network.nodes
    names = {node.name: node.index for node in nodes}
    if any(head.output not in {*names, ""} for head in spec.heads):
        return None
    first = network.outputs[0]
    ends = [(names.get(head.output, first), head.loss) for head in spec.heads if head.loss]
    batch_size, dtype = spec.training.batch_size, spec.model.dtype
    batch = min(batch_size or samples, samples)
    fused = endings_of(nodes, ends, Kernels(registry or default_registry()))
    endings = [
        Ending(output, len(chain.nodes)) for (output, _), chain in zip(ends, fused, strict=True)
    ]
    memory = training_memory(network, spec.optimizer, dtype, batch, endings)
    if spec.training.accumulate > 1:
        memory["gradients"] *= 2
    copied = memory["parameters"] + memory["optimizer state"]
    memory["copy of the state"] = copied if copied <= MAX_COPIED_BYTES else 0
    if spec.deciding_evaluated():
        memory["evaluated parameters"] = 2 * memory["parameters"]
    most = samples_at_once(network, dtype)
    evaluations = {
        name: inference_memory(network, dtype, min(info.samples or 0, most))
        for name, info in data.items()
    }  # validation's graph persists, the others do not overlap
    if adapting := adapting_slots(nodes, registry or default_registry()):
        count = min(samples, samples_to_adapt(adapting, batch))
        part = adapted_part(network, adapting)
        memory["initialization"] = inference_memory(part, dtype, count, in_place=False)
    memory["evaluation"] = max(evaluations.values()) + evaluations.get("validation", 0)
    numbers, shapes = 0, [nodes[output].output_shape for output, _ in ends]
    for info in data.values():
        inputs = _sample_size(info) * info.in_memory
        numbers += (info.samples or 0) * (inputs + sum(map(prod, shapes)))
    numbers += sum(_gathered(batch_size, shape, samples, batch) for shape in shapes)
    if data["train"].in_memory:
        for input_ in data["train"].inputs.values():
            numbers += _gathered(batch_size, input_.shape, samples, batch)
    else:
        numbers += _sample_size(data["train"]) * batch
    targets = sum((info.samples or 0) * prod(info.target_shape) * 8 for info in data.values())
    memory["data"] = numbers * np.dtype(dtype).itemsize + targets
    return memory


def _sample_size(info: DataInfo) -> int:
    return sum(prod(input_.shape) for input_ in info.inputs.values())


def training_memory(
    network: Network, optimizer: Optimizer, dtype: str, batch: int, endings: Sequence[Ending]
) -> dict[str, int]:
    """Return the bytes that the training graph and the optimizer allocate, by purpose.

    Args:
        endings: what each loss takes, with the layers fused with it.
    """
    kind, nodes, groups = np.dtype(dtype), network.nodes, optimizer.groups
    members: dict[int, list[Slot]] = {}
    for slot in slots_of(nodes, groups):
        if slot.is_trained():
            members.setdefault(group_of(slot.key, groups), []).append(slot)
    trainable = sum(slot.size for slots in members.values() for slot in slots)
    everything = sum(node.parameter_count for node in nodes)
    states = 0
    for group, slots in members.items():
        states += _state_size(groups[group].optimizer if group >= 0 else optimizer, slots)
    frozen = frozen_nodes(nodes)
    discarded = [node for node in nodes if node.index in frozen or node.shared is not None]
    scratch = max((nodes[node.owner].parameter_count for node in discarded), default=0)
    plan = plan_memory(network, training=True, endings=endings, frozen=frozen)
    return {
        "parameters": everything * kind.itemsize,
        "gradients": (trainable + scratch) * kind.itemsize,
        "optimizer state": states * kind.itemsize,
        "activations and their gradients": (sum(plan.sizes) + len(endings)) * batch * kind.itemsize,
        "layers' workspace": workspace_bytes(nodes, kind, batch),
    }


def _state_size(optimizer: Optimizer, slots: Sequence[Slot]) -> int:
    """Return the numbers in an optimizer's state and scratch for some parameters."""
    if not optimizer.per_parameter:
        size = sum(slot.size for slot in slots)
        names = verified(Optimizer.state_names, optimizer)
        return len(names) * size + 2 * min(SLICE, size)
    shapes = [state_shapes(optimizer, slot.info) for slot in slots]
    numbers = sum(prod(shape) for state, _ in shapes for shape in state.values())
    shared = max(sum(map(prod, workspace.values())) for _, workspace in shapes)
    return numbers + shared + 2 * max(slot.size for slot in slots)


def _gathered(batch_size: int | None, shape: Shape, samples: int, batch: int) -> int:
    """Return the size of the extra copy of the training data: all of it, or one gathered batch."""
    if batch_size is None:
        return prod(shape) * samples
    return prod(shape) * (batch + (samples if prod(shape) <= THIN else 0))
