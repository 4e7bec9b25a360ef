"""Menus of deviations from a base allocation, and the search for the best combination of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.pricing.exact._menu import Levels

# Candidates that one search may look at, and at a time.
_MOST_CANDIDATES = 2**26
_BLOCK = 2**20
_FEWEST_STATES = 64
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """Levels of one query, or the merged levels of several: the first j of s steps.

    Args:
        rows: ``(m,)`` the queries.
        lowest: ``(m,)`` tokens they have before the first step.
        owners: ``(s,)`` which of them takes each step.
        sizes: ``(s,)`` tokens of each step.
        cost: ``(s + 1,)`` what each level costs beyond the base allocation; rises.
        loss: ``(s + 1,)`` what each level loses, at least 0.
        hull: the levels on the lower convex hull of the loss over the cost.
    """

    rows: IntArray
    lowest: IntArray
    owners: IntArray
    sizes: IntArray
    cost: FloatArray
    loss: FloatArray
    hull: IntArray

    def serve(self, level: int, tokens: IntArray) -> None:
        """Write the tokens of a level into the ``(n,)`` tokens of all queries."""
        taken = np.bincount(self.owners[:level], weights=self.sizes[:level], minlength=self.rows.size)
        tokens[self.rows] = self.lowest + taken.astype(np.int64)


def menus_of(levels: Levels, loss: FloatArray, base: IntArray, most: float) -> list[Menu]:
    """The menus of all queries that have a choice, shortest first, but merged ones last.

    A query whose steps all cost the same and lose more and more is merged with the others of the same step.
    In an optimal allocation no token is worth more in a merged query than where it is; so what the merged
    queries can lose at most bounds the last step of every other query, too.

    Args:
        levels: of n queries.
        loss: ``(N,)`` what each level loses at the clearing price.
        base: ``(n,)`` positions of the levels that lose nothing.
        most: what an allocation may lose at most.
    """
    mask = loss <= most * (1.0 + 1e-9)
    mask[base] = True
    base = np.cumsum(mask)[base] - 1
    levels, loss = levels.keep(mask), loss[mask]
    owner = levels.owner
    inside = owner[1:] == owner[:-1]
    size, rise = np.where(inside, np.diff(levels.tokens), 0), np.where(inside, np.diff(loss), 0.0)
    smooth = levels.sizes > 1
    uneven = inside[1:] & inside[:-1] & (size[1:] != size[:-1])
    # Gains of flat curves differ by less than they are rounded.
    rounding = 16.0 * _EPSILON * np.abs(levels.value[1:-1])
    uneven |= inside[1:] & inside[:-1] & (rise[1:] < rise[:-1] - rounding)
    smooth[owner[1:-1][uneven]] = False
    step = np.zeros(levels.start.size)
    choice = np.flatnonzero(levels.sizes > 1)
    step[choice] = levels.each[choice] * size[levels.start[choice]]
    merged: list[Menu] = []
    wanted = np.ones(levels.tokens.size, dtype=np.bool_)
    for key in np.unique(step[smooth]):
        rows = np.flatnonzero(smooth & (step == key))
        menu, least, greatest = _merge(levels, rows, base, size, rise, float(key), most)
        merged.append(menu)
        alike = inside & ~smooth[owner[1:]] & (levels.each[owner[1:]] * size == key)
        wanted[1:] &= ~(alike & (rise > greatest + _EPSILON * np.abs(levels.value[1:])))
        wanted[:-1] &= ~(alike & (rise < least - _EPSILON * np.abs(levels.value[1:])))
    wanted[base] = True
    single = [_single(levels, loss, base, int(row), wanted) for row in np.flatnonzero((levels.sizes > 1) & ~smooth)]
    return sorted((menu for menu in single if menu.owners.size), key=lambda menu: menu.owners.size) + sorted(
        merged, key=lambda menu: menu.owners.size
    )


def _single(levels: Levels, loss: FloatArray, base: IntArray, row: int, wanted: BoolArray) -> Menu:
    start = levels.start[row]
    kept = start + np.flatnonzero(wanted[start : start + levels.sizes[row]])
    tokens = levels.tokens[kept]
    cost = levels.each[row] * (tokens - levels.tokens[base[row]])
    steps = np.zeros(tokens.size - 1, dtype=np.int64)
    return Menu(np.array([row]), tokens[:1], steps, np.diff(tokens), cost, loss[kept], _hull(cost, loss[kept]))


def _merge(
    levels: Levels, rows: IntArray, base: IntArray, size: IntArray, rise: FloatArray, key: float, most: float
) -> tuple[Menu, float, float]:
    """One menu for several queries, and between what its last step may raise the loss."""
    member = np.repeat(np.arange(rows.size), levels.sizes[rows] - 1)
    first = np.cumsum(levels.sizes[rows] - 1) - (levels.sizes[rows] - 1)
    at = np.arange(member.size) - first[member] + levels.start[rows][member]
    order = np.argsort(rise[at], kind="stable")
    owners, rises, sizes = member[order], rise[at][order], size[at][order]
    bought = int((base[rows] - levels.start[rows]).sum())
    loss = np.concatenate((np.cumsum(-rises[:bought][::-1])[::-1], [0.0], np.cumsum(rises[bought:])))
    near = np.flatnonzero(loss <= most * (1.0 + 1e-9))
    low, high = min(int(near[0]), bought), max(int(near[-1]), bought)
    lowest = levels.tokens[levels.start[rows]]
    lowest = lowest + np.bincount(owners[:low], weights=sizes[:low], minlength=rows.size).astype(np.int64)
    cost = key * np.arange(low - bought, high - bought + 1)
    menu = Menu(rows, lowest, owners[low:high], sizes[low:high], cost, loss[low : high + 1], np.arange(high - low + 1))
    least = float(rises[low - 1]) if low else -np.inf
    return menu, least, float(rises[high]) if high < rises.size else np.inf


def _hull(cost: FloatArray, loss: FloatArray) -> IntArray:
    """Positions on the lower convex hull, by Andrew's monotone chain."""
    x, y = cost.tolist(), loss.tolist()
    chain: list[int] = []
    for k in range(len(x)):
        while len(chain) > 1:
            i, j = chain[-2], chain[-1]
            if (y[j] - y[i]) * (x[k] - x[i]) < (y[k] - y[i]) * (x[j] - x[i]):
                break
            chain.pop()
        chain.append(k)
    return np.array(chain)


class Rest:
    """What the menus that are still to be merged can do: a bound and a good completion.

    The steps of all hulls in the order of their loss per cost are the linear relaxation: cheapest first.

    Args:
        menus: at least one; the last takes up what the others leave.
        price: λ.
    """

    def __init__(self, menus: Sequence[Menu], price: float) -> None:
        self.menus, self.price = menus, price
        cost = [np.diff(menu.cost[menu.hull]) for menu in menus]
        loss = [np.diff(menu.loss[menu.hull]) for menu in menus]
        self._owner = np.repeat(np.arange(len(menus)), [step.size for step in cost])
        costs, losses = np.concatenate(cost), np.concatenate(loss)
        order = np.argsort(losses / costs, kind="stable")
        self._owner, costs, losses = self._owner[order], costs[order], losses[order]
        self.cost = _sums(sum(float(menu.cost[0]) for menu in menus), costs)
        self.loss = _sums(sum(float(menu.loss[0]) for menu in menus), losses)
        others = self._owner < len(menus) - 1
        self._cost = _sums(sum(float(menu.cost[0]) for menu in menus[:-1]), np.where(others, costs, 0.0))
        self._loss = _sums(sum(float(menu.loss[0]) for menu in menus[:-1]), np.where(others, losses, 0.0))

    def bound(self, room: FloatArray) -> FloatArray:
        """The least F of the menus with this much to spend; room below the cheapest combination has none."""
        beyond = self.price * np.maximum(room - self.cost[-1], 0.0)
        return np.where(room < self.cost[0], np.inf, np.interp(room, self.cost, self.loss) + beyond)

    def complete(self, room: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
        """F of whole levels, the steps taken of the relaxation, and the last menu's level."""
        steps = np.maximum(np.searchsorted(self.cost, room, side="right") - 1, 0)
        last, left = self.menus[-1], room - self._cost[steps]
        level = np.searchsorted(last.cost, left, side="right") - 1
        short = level < 0
        level[short] = 0
        total = self._loss[steps] + last.loss[level] + self.price * (left - last.cost[level])
        total[short] = np.inf
        return total, steps, level

    def levels(self, steps: int, last: int) -> list[int]:
        """The level of each menu after so many steps."""
        taken = np.bincount(self._owner[:steps], minlength=len(self.menus))
        return [int(menu.hull[count]) for menu, count in zip(self.menus[:-1], taken, strict=False)] + [last]


class Search:
    """Dynamic programming over menus: the states are what the merged ones cost and lose together.

    A state survives if no other is worth as much and costs no more, and if the relaxation of the menus that are
    left could make it better than the best known allocation.

    Args:
        menus: at least one.
        price: λ.
        slack: what the base allocation leaves of the budget.
        least: the F of the best known allocation.
        tolerance: improvements up to this do not count.
    """

    def __init__(self, menus: Sequence[Menu], price: float, slack: float, least: float, tolerance: float) -> None:
        self.menus, self.price, self.slack, self.least = menus, price, slack, least
        self.unproven = np.inf
        """The least F that a state could have reached that was dropped to save work."""
        self._tolerance = tolerance
        self._best: list[int] | None = None
        self._cost, self._loss = np.zeros(1), np.zeros(1)
        self._trail: list[tuple[IntArray, IntArray]] = []
        self._work = _MOST_CANDIDATES
        self._complete(Rest(menus, price))

    @property
    def found(self) -> bool:
        """Whether there is a better allocation than the one known before."""
        return self._best is not None

    def run(self) -> None:
        """Merge one menu after the other, until only the last is left: what it adds is looked up."""
        for done, menu in enumerate(self.menus[:-1], 1):
            rest = Rest(self.menus[done:], self.price)
            self._merge(menu, rest)
            if not self._cost.size:
                return
            self._complete(rest)

    def serve(self, tokens: IntArray) -> None:
        """Write the best allocation found over the ``(n,)`` tokens of the base."""
        for menu, level in zip(self.menus, self._best or (), strict=False):
            menu.serve(level, tokens)

    def _merge(self, menu: Menu, rest: Rest) -> None:
        self._thin(menu, rest)
        rows = max(_BLOCK // menu.cost.size, 1)
        found: list[tuple[FloatArray, FloatArray, IntArray]] = []
        for start in range(0, self._cost.size, rows):
            cost = np.add.outer(self._cost[start : start + rows], menu.cost).ravel()
            loss = np.add.outer(self._loss[start : start + rows], menu.loss).ravel()
            kept = np.flatnonzero(loss < self.least)
            bound = loss[kept] + rest.bound(self.slack - cost[kept])
            kept = kept[bound < self.least - self._tolerance]
            found.append((cost[kept], loss[kept], kept + start * menu.cost.size))
        self._work -= self._cost.size * menu.cost.size
        cost, loss, index = (np.concatenate(column) for column in zip(*found, strict=True))
        worth = self.price * cost - loss
        order = np.lexsort((-worth, cost))
        # Rounding errors must not keep states apart: what is worth the same within the tolerance is the same.
        worth = np.floor(worth[order] / (self._tolerance / len(self.menus)))
        record = np.ones(order.size, dtype=np.bool_)
        record[1:] = worth[1:] > np.maximum.accumulate(worth)[:-1]
        order = order[record]
        self._cost, self._loss = cost[order], loss[order]
        self._trail.append((index[order] // menu.cost.size, index[order] % menu.cost.size))

    def _thin(self, menu: Menu, rest: Rest) -> None:
        """Keep the states with the best bounds if merging all of them is too much work."""
        left = len(self.menus) - 1 - len(self._trail)
        most = max(self._work // (left * menu.cost.size), _FEWEST_STATES)
        if self._cost.size <= most:
            return
        bound = self._loss + Rest([menu, *rest.menus], self.price).bound(self.slack - self._cost)
        order = np.argpartition(bound, most)
        self.unproven = min(self.unproven, float(bound[order[most:]].min()))
        kept = np.sort(order[:most])
        self._cost, self._loss = self._cost[kept], self._loss[kept]
        parent, level = self._trail[-1]
        self._trail[-1] = parent[kept], level[kept]

    def _complete(self, rest: Rest) -> None:
        total, steps, last = rest.complete(self.slack - self._cost)
        total += self._loss
        state = int(np.argmin(total))
        if total[state] >= self.least:
            return
        self.least = max(float(total[state]), 0.0)
        levels = rest.levels(int(steps[state]), int(last[state]))
        for parents, chosen in reversed(self._trail):
            levels.insert(0, int(chosen[state]))
            state = int(parents[state])
        self._best = levels


def _sums(first: float, steps: FloatArray) -> FloatArray:
    return np.cumsum(np.concatenate(([first], steps)))
