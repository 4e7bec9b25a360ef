"""Pages that need no network: the templates beside this file, and what every report says of its making."""

import os
import platform
from importlib import metadata, resources
from typing import Any, Final

import jinja2

from shadowprice._atomic import write_whole
from shadowprice._text import shown

_VERSIONS: Final = ("shadowprice", "numpy", "scikit-learn")


def write_page(template: str, command: str, path: str | os.PathLike[str], **content: Any) -> None:
    """Fill a template and write it to one HTML file, all of it or nothing.

    Args:
        template: File name of the template.
        command: What to type to get the same page.
        path: The file to write.
        content: What the template asks for.

    Raises:
        InputError: The file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    versions = [f"Python {platform.python_version()}"] + [f"{name} {metadata.version(name)}" for name in _VERSIONS]
    page = environment.get_template(template).render(command=command, versions=", ".join(versions), **content)
    with write_whole(path) as partial:
        partial.write_text(page, encoding="utf-8", errors="replace")


def _plain(value: Any) -> Any:
    """Names from files without marks that turn the direction of what follows; figures are no plain texts."""
    return shown(value) if type(value) is str else value


def _template(name: str) -> str:
    return (resources.files("shadowprice.bench") / name).read_text(encoding="utf-8")
