"""Opening the engine that the command line names."""

from shadowprice._errors import InputError
from shadowprice.engines import AbstractEngine, LlamaCppEngine

ENGINES = ("llamacpp",)


def open_engine(name: str, model: str, concurrency: int) -> AbstractEngine:
    """The engine of that name, with a model loaded.

    Raises:
        InputError: There is no such engine or model.
    """
    if concurrency < 1:
        raise InputError(f"--concurrency is {concurrency}; it must be 1 or more.")
    if name != "llamacpp":
        raise InputError(f"There is no engine '{name}'; choose from {', '.join(ENGINES)} (the model in this process).")
    return LlamaCppEngine(model, parallel=concurrency)
