"""Whether a loaded predictor can be used without harm: compiled code does not check the indices that it is given."""

from collections.abc import Iterator
from typing import Any

import numpy as np

_MOST_OBJECTS = 1_000_000


def check_sound(root: Any) -> None:
    """Look at every object inside a loaded predictor.

    A class whose fitted arrays go into compiled code has a method ``check_sound``, which is called: it raises
    ValueError if they could take that code out of its bounds or round in circles, and makes anew what it can.

    Raises:
        ValueError: Something is not as fitting leaves it.
    """
    for item in _objects(root):
        kind = type(item)
        attributes = vars(item)
        shadowed = [name for name in attributes if callable(getattr(kind, name, None))]
        if shadowed:
            raise ValueError(f"{kind.__name__}.{shadowed[0]} is replaced")
        if hasattr(kind, "check_sound"):
            item.check_sound()


def _objects(root: Any) -> Iterator[Any]:
    """Every object with attributes that can be reached, once."""
    waiting, seen = [root], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, np.ndarray | str | bytes | int | float | type | None) or id(item) in seen:
            continue
        seen.add(id(item))
        if len(seen) > _MOST_OBJECTS:
            raise ValueError("it has more parts than any predictor")
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item
        elif hasattr(item, "__dict__"):
            waiting += vars(item).values()
            yield item
