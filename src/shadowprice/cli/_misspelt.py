"""What is said of an option that is none: the one that was meant."""

import difflib
from typing import Any, Final

_MOST: Final = 3


def told(error: Any) -> str:
    """What a usage error says; of an option that is none, with the nearest ones instead of all that look alike.

    Args:
        error: A click exception, of whichever copy of click typer uses.
    """
    name = getattr(error, "option_name", None)
    context = getattr(error, "ctx", None)
    if type(error).__name__ != "NoSuchOption" or not name or context is None:
        message: str = error.format_message()
        return message
    known = [one for param in context.command.get_params(context) for one in (*param.opts, *param.secondary_opts)]
    meant = _nearest(name, sorted(one for one in known if one.startswith("--")))
    if meant:
        return f"No such option {name}. Did you mean {' or '.join(meant)}?"
    return f"No such option {name}; `{context.command_path} --help` lists them."


def _nearest(name: str, known: list[str]) -> list[str]:
    begun = [one for one in known if one.startswith(name)] if len(name) > len("--") + 1 else []
    return begun[:_MOST] or difflib.get_close_matches(name, known, 1)
