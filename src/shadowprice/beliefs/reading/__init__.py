"""What a question's text says: n-grams, surface features, forests, and regressions on all of them."""

from shadowprice.beliefs.reading._forest import Forest, grow_tree
from shadowprice.beliefs.reading._ngrams import MAX_CHARACTERS, NgramEncoder, beginnings
from shadowprice.beliefs.reading._pooling import Heard, pooled
from shadowprice.beliefs.reading._regression import GROUPS, Target, TextRegression
from shadowprice.beliefs.reading._surface import SURFACE_FEATURES, SURFACE_GROUPS, SurfaceFeatures

__all__ = [
    "GROUPS",
    "MAX_CHARACTERS",
    "SURFACE_FEATURES",
    "SURFACE_GROUPS",
    "Forest",
    "Heard",
    "NgramEncoder",
    "SurfaceFeatures",
    "Target",
    "TextRegression",
    "beginnings",
    "grow_tree",
    "pooled",
]
