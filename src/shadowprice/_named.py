"""Code of the user's own, by its name: the one place where a module is imported because somebody wrote its name.

Importing runs the module, so names come from the command or from a Python caller, never from a file that is read.
"""

import importlib
import re
import sys
from typing import Any, Final

from shadowprice._errors import InputError

_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def names_object(name: str) -> bool:
    """Whether a name has the shape ``module:object``."""
    return _NAME.fullmatch(name) is not None


def import_named(what: str, name: str, prefix: str = "") -> Any:
    """The object that ``module:object`` names.

    Args:
        what: What it is to be, for the error.
        name: Its name.
        prefix: What people write before the name, for the error.

    Raises:
        InputError: There is none.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module) if module and path else None
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"The {what} '{prefix}{name}' could not be imported ({error}): write '{prefix}<module>:<name>', with the "
            f"module on the path of {sys.executable}; PYTHONPATH=. puts the present folder there."
        ) from error
    return found


def make_named(what: str, name: str, kind: type, *arguments: object) -> Any:
    """An instance of the class that ``module:Class`` names, or the instance that it names.

    Args:
        what: What it is to be, for the error.
        name: Its name.
        kind: The class that it has to be of.
        arguments: What the class is called with.

    Raises:
        InputError: There is none, or it is of another kind.
    """
    found = import_named(what, name)
    if isinstance(found, type) and issubclass(found, kind):
        found = found(*arguments)
    if not isinstance(found, kind):
        raise InputError(
            f"The {what} '{name}' is no {kind.__name__}: name a class that derives from it, or an instance of one."
        )
    return found
