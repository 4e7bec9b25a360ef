"""Other models that read questions: chosen by name, and asked once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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


def questions_of(traces: Sequence[Traces]) -> list[str]:
    """The questions of several traces."""
    return [question for each in traces for question in each.questions]


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
