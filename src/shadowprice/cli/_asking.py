"""How a command asks: its options, read."""

from pathlib import Path

from shadowprice._errors import InputError
from shadowprice.tasks import Asking


def read_asking(system: str | None, template: Path | None, *, bare: bool) -> Asking:
    """How the options say that questions are asked.

    Raises:
        InputError: A file cannot be read, or the template cannot be used.
    """
    place = system_file(system)
    return Asking(
        instruction=not bare,
        system=system if place is None else _read(place, "--system").strip(),
        template=None if template is None else _read(template, "--template").removesuffix("\n"),
        template_name=str(template),
    )


def system_file(system: str | None) -> Path | None:
    """The file that holds the system message, if one does."""
    return Path(system[1:]) if system is not None and system.startswith("@") else None


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}): save it as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path} of {option} cannot be read: {error.strerror}; check the path.") from error
