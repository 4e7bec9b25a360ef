"""Names of a package that are imported when they are first used, where importing them takes longer than most uses."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, rooms: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """What a package's ``__getattr__`` and ``__dir__`` are to be.

    Args:
        package: Its name.
        rooms: The names that each of its modules holds.
    """
    room_of = {name: room for room, names in rooms.items() for name in names}

    def get(name: str) -> Any:
        if name not in room_of:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(import_module(f"{package}.{room_of[name]}"), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *room_of})

    return get, names
