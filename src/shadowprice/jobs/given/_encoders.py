"""Other models that read questions: chosen by name, and asked once."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowprice._errors import InputError, no_such
from shadowprice.jobs._step import Follow, steps
from shadowprice.traces import Traces

if TYPE_CHECKING:
    from shadowprice.beliefs.encoders import AbstractEncoder

_AT_A_TIME = 32


def choose_encoder(name: str | None) -> "AbstractEncoder | None":
    """An encoder that works, or none.

    Raises:
        InputError: There is no such encoder, or its model was not pulled.
        MissingExtraError: Its extra is not installed.
    """
    if name is None:
        return None
    from shadowprice.beliefs.encoders import get_encoder

    encoder = get_encoder(name)
    encoder.transform([""])  # what is missing should not wait for the fit
    return encoder


def open_encoder(
    name: str,
    *,
    model: str = "",
    key_variable: str | None = None,
    layers: int | None = None,
    asked: str = "",
) -> "AbstractEncoder":
    """An encoder by what is written of it, that works.

    Args:
        name: One of our own by name, the URL of a server, a GGUF file, or what `transformers` reads: a directory, or
            ``hub:OWNER/NAME``.
        model: The server's name for the model, if it has several.
        key_variable: Environment variable that holds the server's key.
        layers: Of a GGUF file: after how many of its layers the state is read.
        asked: Of a GGUF file: what the model is asked of each question.

    Raises:
        InputError: There is no such encoder, or an option does not go with it.
        MissingExtraError: Its extra is not installed.
        EngineError: The server or the model does not work.
    """
    from shadowprice.beliefs.encoders import ENCODERS, EndpointEncoder, GgufEncoder, TransformerEncoder, get_encoder

    is_url, is_gguf = name.startswith(("http://", "https://")), name.endswith(".gguf")
    for option, given, goes in (
        ("--model", bool(model), is_url),
        ("--key-variable", key_variable is not None, is_url),
        ("--layers", layers is not None, is_gguf),
        ("--asked", bool(asked), is_gguf),
    ):
        if given and not goes:
            raise InputError(f"{option} does not go with --encoder {shown_place(name)}; leave it out.")
    encoder: AbstractEncoder
    if is_url:
        encoder = EndpointEncoder(name, model, key_variable)
    elif is_gguf:
        encoder = GgufEncoder(name, layers, asked, threads=os.cpu_count() or 1)
    elif name in ENCODERS:
        encoder = get_encoder(name)
    elif name.startswith("hub:") or Path(name).is_dir():
        encoder = TransformerEncoder(name)
    else:
        raise no_such("encoder", name, ENCODERS, ", a server's URL, a GGUF file, a directory or hub:OWNER/NAME")
    encoder.transform([""])  # what is missing should not wait
    return encoder


def shown_place(name: str) -> str:
    """A name as messages may repeat it: a URL without the user and the password that it may hold."""
    return re.sub(r"^(https?://)[^/]*@", r"\1", name)


def check_encoder(name: str | None, features: object) -> None:
    """Refuse two readings of the questions at once.

    Raises:
        InputError: There are two.
    """
    if name is not None and features is not None:
        raise InputError(
            "--encoder and --features are two readings of the questions; give one of them, the encoder's as well from "
            "a file (`shadowprice embed`)."
        )


def questions_of(traces: Sequence[Traces]) -> list[str]:
    """The questions of several traces."""
    return [question for each in traces for question in each.questions]


def named_questions(traces: Sequence[Traces]) -> list[tuple[str, str]]:
    """Id and text of each question."""
    return [pair for each in traces for pair in zip(each.query_ids, each.questions, strict=True)]


def read_once(encoder: "AbstractEncoder | None", questions: Sequence[str], follow: Follow) -> None:
    """Let an encoder that keeps what it has read do so; others would read everything twice."""
    if encoder is None:
        return
    from shadowprice.beliefs.encoders import ENCODERS

    if type(encoder) not in ENCODERS.values():
        return
    texts = sorted(set(questions))
    with steps(follow, "reading questions", len(texts)) as work:
        for start in range(0, len(texts), _AT_A_TIME):
            encoder.transform(texts[start : start + _AT_A_TIME])
            work.advance(min(_AT_A_TIME, len(texts) - start))
