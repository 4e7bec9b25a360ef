"""Vectors of questions by a model that reads them, for `fit`, `bench`, `allocate` and `run`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from shadowprice._atomic import check_writable
from shadowprice._errors import InputError
from shadowprice._places import Place, check_places
from shadowprice.jobs._step import Follow, Tell, log, steps, unseen
from shadowprice.jobs._traces import GivenTraces
from shadowprice.jobs.given import (
    GivenPath,
    GivenQuestions,
    QuestionOptions,
    named_questions,
    open_encoder,
    path_of,
    read_asked,
    shown_place,
)
from shadowprice.traces import BUNDLED, Traces, is_traces, read_recorded

if TYPE_CHECKING:
    from shadowprice.beliefs.encoders import Vectors

_AT_A_TIME: Final = 32
_AS_IT_IS: Final = QuestionOptions()


def embed(
    questions: GivenQuestions | GivenTraces,
    *,
    output: GivenPath | None = None,
    encoder: str = "smollm2",
    model: str = "",
    key_variable: str | None = None,
    layers: int | None = None,
    asked: str = "",
    reading: QuestionOptions = _AS_IT_IS,
    tell: Tell = log,
    progress: Follow = unseen,
) -> "Vectors":
    """Let a model read questions, and keep what it makes of each: what ``shadowprice embed`` does, in one call.

    Args:
        questions: A file, folder or ``hf:OWNER/NAME`` of questions; or traces, or a budget sweep, whose questions are
            meant; or either as it was read.
        output: ``.npz`` or ``.parquet`` file to write.
        encoder: ``"smollm2"``, ``"sentence"``, the URL of a server with ``/v1/embeddings``, a GGUF file, a directory of
            `transformers`, or ``"hub:OWNER/NAME"``.
        model: The server's name for the model.
        key_variable: Environment variable that holds the server's key.
        layers: Of a GGUF file: after how many layers the state is read; all by default.
        asked: Of a GGUF file: what the model is asked of each question, so that its state at the last token is read;
            by default the mean over the question's tokens.
        reading: How the questions are read: the columns of their file.
        tell: Told what people should know, a sentence each.
        progress: Told how far the work is.

    Raises:
        InputError: A file or an argument is not what it should be.
        MissingExtraError: The encoder's extra is not installed.
        EngineError: The server or the model does not work.
    """
    from shadowprice.beliefs.encoders import Vectors, check_vectors_name, write_vectors

    target = path_of(output)
    if target is not None:
        place: Place = questions if isinstance(questions, str | Path) else None
        check_vectors_name(target)
        check_places({"--output": target}, {"QUESTIONS": place})
        check_writable(target)
    pairs = _pairs(questions, reading, tell)
    if not pairs:
        raise InputError("There are no questions; give at least one.")
    reader = open_encoder(encoder, model=model, key_variable=key_variable, layers=layers, asked=asked)
    texts = [text for _, text in pairs]
    parts = []
    with steps(progress, "reading questions", len(texts)) as work:
        for start in range(0, len(texts), _AT_A_TIME):
            some = texts[start : start + _AT_A_TIME]
            parts.append(reader.transform(some).astype(np.float32))
            work.advance(len(some))
    name = shown_place(encoder) if target is None else str(target)
    vectors = Vectors(np.concatenate(parts), [one for one, _ in pairs], texts, name)
    if target is not None:
        write_vectors(vectors, target)
        tell(f"{len(vectors):,} vectors of {vectors.width:,} numbers by {shown_place(encoder)} written to {target}.")
    return vectors


def _pairs(given: GivenQuestions | GivenTraces, reading: QuestionOptions, tell: Tell) -> list[tuple[str, str]]:
    """Id and text of each question, ids once."""
    if isinstance(given, Traces):
        return named_questions([given])
    if isinstance(given, Sequence) and not isinstance(given, str):
        found: GivenQuestions = given
    else:
        path = Path(str(given))
        if str(given) == BUNDLED or is_traces(path):
            return named_questions([read_recorded(path)])
        found = path
    return [(one.query_id, one.question) for one in read_asked(found, reading.columns, remark=tell).questions]
