"""Templates of messages: Jinja text that the user wrote, filled with questions that anybody may have written.

The template is looked at before the first question: what it asks for that there is not is refused with its line. A
question is a value in it and never becomes part of it, and the sandbox keeps what a template calls harmless.
"""

import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from shadowprice._errors import InputError

if TYPE_CHECKING:
    import jinja2

NAMES: Final = ("question", "choices", "instruction", "grader", "query_id")
"""What a template can use; each of `choices` has a `letter` and a `text`."""


def check_template(text: str, name: str) -> None:
    """Find out whether a template can be filled.

    Raises:
        InputError: It is not Jinja, asks for a name that there is not, or for another file.
    """
    import jinja2.meta
    from jinja2 import nodes

    try:
        tree = _environment().parse(text)
        _compiled(text)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"{name}, line {error.lineno}: not a Jinja template ({error.message}); correct it.") from error
    for other in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        raise InputError(f"{name}, line {other.lineno}: a template cannot use other files; write it all in one.")
    missing = jinja2.meta.find_undeclared_variables(tree) - {*NAMES, *_environment().globals}
    for used in tree.find_all(nodes.Name):
        if used.ctx == "load" and used.name in missing:
            raise InputError(
                f"{name}, line {used.lineno}: there is no '{used.name}'; a template can use {', '.join(NAMES)}."
            )


def fill(text: str, name: str, values: Mapping[str, Any]) -> str:
    """Fill a template with the values of one question.

    Raises:
        InputError: It asks for something of a value that there is not, or fails otherwise.
    """
    try:
        return _compiled(text).render(values)
    except Exception as error:  # whatever a template can do wrong
        where = f", line {line}" if (line := _line(error)) else ""
        raise InputError(
            f"{name}{where}: cannot be filled for the question '{values['query_id']}' ({error}); correct the template."
        ) from error


@lru_cache(maxsize=8)
def _compiled(text: str) -> "jinja2.Template":
    return _environment().from_string(text)


@lru_cache(maxsize=1)
def _environment() -> "jinja2.Environment":
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # only those who write templates wait for it

    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _line(error: Exception) -> int | None:
    """The template's line that failed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] if lines else None
