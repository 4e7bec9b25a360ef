"""A forest of fitted trees as plain arrays: fast on one row, and saveable without pickle."""

# mypy: disable-error-code="untyped-decorator"

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import sklearn
from numba import njit
from numpy.typing import NDArray
from sklearn.tree import ExtraTreeRegressor

from shadowprice._types import FloatArray, IntArray

_FEWEST_PER_LEAF = 3
_SHARE_OF_COLUMNS = 0.3
_MOST_ROWS = 20_000
"""Rows that a tree draws at most: bounds the size of a forest on large evidence."""
_MOST_SEEDS = np.iinfo(np.int32).max


class Forest:
    """Trees one after another, each depth first; a left child follows its parent.

    Args:
        roots: ``(trees,)`` where each tree begins.
        feature: ``(nodes,)`` column that a node asks about; −1 in a leaf.
        cut: ``(nodes,)`` rows up to this value go left, to the next node.
        right: ``(nodes,)`` node for the others, further on.
        value: ``(nodes,)`` mean of the target.
        columns: Columns of the rows that it was grown on.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(
        self,
        roots: IntArray,
        feature: NDArray[np.int32],
        cut: NDArray[np.float32],
        right: NDArray[np.int32],
        value: NDArray[np.float32],
        columns: int,
    ) -> None:
        self.roots = roots
        self.feature = feature
        self.cut = cut
        self.right = right
        self.value = value
        self.columns = columns

    @classmethod
    def of(cls, trees: Sequence[Any], columns: int) -> Self:
        """Scikit-learn's trees, as their ``tree_``, grown on rows of so many columns."""
        parts = [_flat(tree) for tree in trees]
        sizes = np.array([len(part[0]) for part in parts])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        feature, cut, right, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(roots, feature, cut, (right + np.repeat(roots, sizes)).astype(np.int32), value, columns)

    def predict(self, rows: NDArray[np.float32]) -> FloatArray:
        """Mean over the trees, ``(n,)``, for ``(n, columns)``."""
        if rows.ndim != 2 or rows.shape[1] < self.columns:  # compiled code would read beyond the rows
            raise ValueError(f"A forest of {self.columns} columns cannot read rows of shape {rows.shape}.")
        out: FloatArray = _mean_of_trees(rows, self.roots, self.feature, self.cut, self.right, self.value)
        return out

    def check_sound(self) -> None:
        """Raise ValueError if a walk down a tree could leave the arrays or go round in circles."""
        nodes = np.arange(len(self.feature))
        inner = self.feature >= 0
        sizes = {len(self.feature), len(self.cut), len(self.right), len(self.value)}
        # A walk only goes forward, and the last node is a leaf: so it ends inside.
        if (
            len(sizes) != 1
            or any(part.ndim != 1 for part in (self.roots, self.feature, self.cut, self.right, self.value))
            or any(part.dtype.kind != "i" for part in (self.roots, self.feature, self.right))
            or not len(nodes)
            or inner[-1]
            or (self.feature >= self.columns).any()
            or (self.right[inner] <= nodes[inner]).any()
            or (self.right[inner] >= len(nodes)).any()
            or not len(self.roots)
            or (self.roots < 0).any()
            or (self.roots >= len(nodes)).any()
        ):
            raise ValueError("a forest's nodes are out of order")


def grow_tree(
    rows: NDArray[np.float32], target: FloatArray, weight: FloatArray | IntArray, fewest: int, seed: int
) -> Any:
    """One extremely randomised tree, as scikit-learn keeps it (`sklearn.tree._tree.Tree`).

    Args:
        rows: ``(n, columns)``, finite.
        target: ``(n,)``.
        weight: ``(n,)``.
        fewest: Rows in a leaf, at least.
        seed: Seed of everything random.
    """
    # What is checked for each tree again, its parameters and that all is finite, takes as long as growing a small one.
    with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
        tree = ExtraTreeRegressor(min_samples_leaf=fewest, max_features=_SHARE_OF_COLUMNS, random_state=seed)
        return tree.fit(rows, target, sample_weight=weight, check_input=False).tree_


def grow_forest(
    rows: NDArray[np.float32], target: FloatArray, weight: FloatArray, trees: int, seed: int
) -> tuple[Forest, FloatArray]:
    """Extremely randomised trees (Geurts, Ernst and Wehenkel 2006), each on a bootstrap sample.

    Args:
        rows: ``(n, columns)``.
        target: ``(n,)``.
        weight: ``(n,)``.
        trees: Number of trees.
        seed: Seed of everything random.

    Returns:
        The forest, and for each row the mean ``(n,)`` over the trees that have not seen it (their overall mean where
        there are none).
    """
    n, chance = len(rows), weight / weight.sum()
    # Seeds and samples as scikit-learn's ExtraTreesRegressor draws them, which takes longer to copy its parameters for
    # each tree than to grow it.
    draw = np.random.RandomState(seed)
    samples, grown_trees = [], []
    for own in [draw.randint(_MOST_SEEDS) for _ in range(trees)]:
        drawn = np.random.RandomState(own).choice(n, min(n, _MOST_ROWS), replace=True, p=chance)
        grown_trees.append(grow_tree(rows, target, np.bincount(drawn, minlength=n), _FEWEST_PER_LEAF, own))
        samples.append(drawn)
    grown = Forest.of(grown_trees, rows.shape[1])
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for number, drawn in enumerate(samples):
        unseen = np.ones(len(rows), np.bool_)
        unseen[drawn] = False
        root = grown.roots[number : number + 1]
        single = Forest(root, grown.feature, grown.cut, grown.right, grown.value, grown.columns)
        total[unseen] += single.predict(rows[unseen])
        count += unseen
    mean = float(np.average(target, weights=weight))
    return grown, np.where(count > 0, total / np.maximum(count, 1), mean)


def _flat(tree: Any) -> tuple[Any, ...]:
    """Scikit-learn keeps nodes depth first, so that a left child always follows its parent."""
    leaf = tree.children_left < 0
    return (
        np.where(leaf, -1, tree.feature).astype(np.int32),
        tree.threshold.astype(np.float32),
        np.where(leaf, 0, tree.children_right),
        tree.value[:, 0, 0].astype(np.float32),
    )


@njit(cache=True, nogil=True)
def _mean_of_trees(rows: Any, roots: Any, feature: Any, cut: Any, right: Any, value: Any) -> Any:
    out = np.zeros(len(rows))
    for root in roots:  # one tree for all rows: its nodes stay in the cache
        for row in range(len(rows)):
            node = root
            while feature[node] >= 0:
                node = node + 1 if rows[row, feature[node]] <= cut[node] else np.int64(right[node])
            out[row] += value[node]
    return out / len(roots)
