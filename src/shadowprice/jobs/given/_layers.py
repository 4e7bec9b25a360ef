"""What is said where code of replies runs less locked in than it could be."""

from typing import Final

from shadowprice.grading import missing_layers
from shadowprice.jobs._step import Tell

_MEANING: Final = {
    "network": "it can reach the network but for what Python's own hook refuses",
    "files": "it can reach your files but for what Python's own hook refuses",
}


def tell_layers(grader: str, tell: Tell) -> None:
    """Say what this system cannot take from the process that runs the code of replies."""
    if grader.partition(":")[0] != "tests":
        return
    for layer in missing_layers():
        tell(f"This system locks the code of replies in less than others do: {_MEANING[layer]}; use another machine.")
