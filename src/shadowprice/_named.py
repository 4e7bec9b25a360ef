"""Code of the user's own, by its name: the one place where a module is imported because somebody wrote its name.

Importing runs the module, so names come from the command or from a Python caller, never from a file that is read.
"""

import importlib
import re
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from shadowprice._errors import InputError
from shadowprice._text import shown

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
    except Exception as error:  # the module is the user's, and may do anything
        raise InputError(
            f"The {what} '{prefix}{name}' could not be imported, as its module failed ({_said(error)}): mend it."
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
        try:
            found = found(*arguments)
        except InputError:
            raise
        except Exception as error:  # the class is the user's, and may do anything
            given = f"with {len(arguments)} argument{'' if len(arguments) == 1 else 's'}"
            raise InputError(
                f"The {what} '{name}' could not be made {given} ({_said(error)}): mend its __init__."
            ) from error
    if not isinstance(found, kind):
        raise InputError(
            f"The {what} '{name}' is no {kind.__name__}: name a class that derives from it, or an instance of one."
        )
    return found


def _said(error: Exception) -> str:
    """What went wrong, and the line of the user's own where it did."""
    lines = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)[-1:]]
    place = f"{Path(error.filename or '').name}:{error.lineno}" if isinstance(error, SyntaxError) else lines[0]
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {shown(str(words))} at {place}"
