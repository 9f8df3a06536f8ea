"""A graph's two ends: what comes before its first layer with weights, and what comes after its last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import onnx

__all__ = ["Ends", "find_ends"]

WEIGHTED: Final = frozenset({"Conv", "Gemm", "MatMul"})


@dataclass(frozen=True, slots=True)
class Ends:
    """Parts of a graph by the names of their nodes. In the ends little is computed, and rounding it costs most.

    Attributes:
        outer: nodes that no layer comes before, or none after: pixels to normalised pixels; embeddings to length 1.
        first: the layers that see pixels, and no layer before them.
        last: the layers that give embeddings, and no layer after them.
    """

    outer: frozenset[str]
    first: frozenset[str]
    last: frozenset[str]


def find_ends(model: onnx.ModelProto) -> Ends:
    """Find the ends of a graph whose nodes all have names and stand in order."""
    nodes = model.graph.node
    after: set[str] = set()  # tensors that some layer comes before
    before: set[str] = set()  # tensors that some layer comes after
    behind: set[str] = set()  # nodes that some layer comes before
    ahead: set[str] = set()  # nodes that some layer comes after
    for node in nodes:
        if after & set(node.input):
            behind.add(node.name)
        if node.op_type in WEIGHTED or node.name in behind:
            after |= set(node.output)
    for node in reversed(nodes):
        if before & set(node.output):
            ahead.add(node.name)
        if node.op_type in WEIGHTED or node.name in ahead:
            before |= set(node.input)
    layers = {node.name for node in nodes if node.op_type in WEIGHTED}
    outer = {node.name for node in nodes} - layers - (behind & ahead)
    return Ends(frozenset(outer), frozenset(layers - behind), frozenset(layers - ahead))
