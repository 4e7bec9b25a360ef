"""Vectors of questions that somebody else computed: read, found for questions, and given to predictors."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Union

from shadowprice._errors import InputError
from shadowprice._places import Place
from shadowprice.jobs._step import Tell
from shadowprice.jobs.given._files import GivenPath
from shadowprice.jobs.given._predictors import NamedPredictor

if TYPE_CHECKING:
    from shadowprice.beliefs.encoders import Matched, Vectors

GivenFeatures = Union[GivenPath, "Vectors"]  # a class that is imported when it is needed
"""A file of vectors, npz or Parquet, or vectors that were read."""


def features_place(features: GivenFeatures | None) -> Place:
    """The file that vectors are read from; None where they are given themselves."""
    return features if isinstance(features, str | os.PathLike) else None


def match_features(features: GivenFeatures, asked: Iterable[tuple[str, str]], tell: Tell) -> "Matched":
    """Whose vectors are there, of questions by id and text; how many is told.

    Raises:
        InputError: The file is not right, or has a vector of none of them.
    """
    from shadowprice.beliefs.encoders import Vectors, read_vectors  # scikit-learn comes with it

    vectors = features if isinstance(features, Vectors) else read_vectors(Path(features))
    pairs = list(asked)
    matched = vectors.match(pairs)
    if not matched.rows:
        there = next(iter(vectors.query_ids or vectors.questions))
        raise InputError(
            f"{vectors.name} has a vector for none of these {matched.asked:,} questions: it names '{there[:60]}' for "
            f"example, and the first question is '{pairs[0][0][:60] if pairs else ''}'; ids or texts must be the same."
        )
    tell(matched.sentence)
    return matched


def with_features(
    named: NamedPredictor, features: GivenFeatures | None, asked: Iterable[tuple[str, str]], tell: Tell
) -> NamedPredictor:
    """A predictor with the vectors of the questions that it will be asked about.

    Raises:
        InputError: It was fitted with vectors and none are given, or the other way round, or they do not fit.
    """
    from shadowprice.beliefs import FeaturePredictor

    predictor = named.saved.predictor
    if not isinstance(predictor, FeaturePredictor):
        if features is not None:
            raise InputError(
                f"{named.name} was fitted without vectors; leave out --features, or fit it again with those of the "
                "traces' questions."
            )
        return named
    if features is None:
        raise InputError(
            f"{named.name} was fitted with vectors of {predictor.features.width:,} numbers; give those of these "
            "questions with --features FILE, or fit one without."
        )
    matched = match_features(features, asked, lambda sentence: None)
    saved = replace(named.saved, predictor=predictor.bound(matched))
    tell(matched.sentence)  # once it is clear that they fit
    return replace(named, saved=saved, mark=f"{named.mark}, vectors {matched.mark}")


def without_features(named: NamedPredictor, tell: Tell) -> NamedPredictor:
    """A predictor for questions that nobody has vectors of: the one that does without, if it has two."""
    from shadowprice.beliefs import FeaturePredictor

    predictor = named.saved.predictor
    if not isinstance(predictor, FeaturePredictor):
        return named
    tell(f"{named.name} was fitted with vectors, which requests have not; they are believed by their texts alone.")
    return replace(named, saved=replace(named.saved, predictor=predictor.blind_))
