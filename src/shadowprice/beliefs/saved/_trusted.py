"""What may stand in a predictor file: an exact list of types, each with the reason why.

skops trusts all of scikit-learn and more by itself; a predictor needs plain data and a few classes of ours, so all else
is refused before skops builds anything. No type here runs code from the file when it is built; what could still do harm
when used (indices that compiled code does not check) is looked at in `_sound`.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

TRUSTED: Final = MappingProxyType(
    {
        # Plain data
        "builtins.dict": "attributes of every object",
        "builtins.list": "sequences, and the keys of dictionaries",
        "builtins.tuple": "sequences and options",
        "builtins.str": "text, numbers, true, false and nothing (all written as JSON), and the type of keys",
        "numpy.ndarray": "learnt numbers; arrays of Python objects are refused by their header",
        # Ours: each is built by filling in its attributes; those that feed compiled code have a `check_sound`
        "shadowprice.beliefs.OutcomePredictor": "right, wrong or still running at every token count",
        "shadowprice.beliefs.TextRegression": "its scores of a text",
        "shadowprice.beliefs.NgramEncoder": "text to columns: arrays of hashes and weights",
        "shadowprice.beliefs.encoders.SentenceEncoder": "a sentence encoder whose weights are in its package",
        "shadowprice.beliefs.encoders.ReaderEncoder": "a model by its name, which must be one we know",
        "shadowprice.beliefs.encoders.ReducedEncoder": "their leading directions; no encoder that opens paths "
        "or addresses is on this list: a foreign file could choose them",
        "shadowprice.beliefs.encoders.FeatureEncoder": "mean and deviation of vectors, as arrays; never the vectors",
        "shadowprice.beliefs.FeaturePredictor": "one predictor that sees them and one that does not",
        "shadowprice.beliefs.Forest": "its trees, as arrays",
        "shadowprice.beliefs.LogitCalibration": "calibration of its chance, a few numbers",
        "shadowprice.beliefs.LocationCalibration": "calibration of its positions, a few numbers",
        "shadowprice.beliefs.Hazards": "its hazards, some forty coefficients",
        "shadowprice.beliefs.PastModel": "what earlier replies to a question say of it",
        "shadowprice.beliefs.Habits": "what each source usually makes of a question, as arrays",
        "shadowprice.beliefs.Similarity": "what sources have in common, as a table",
        "shadowprice.beliefs.PriorPredictor": "what to believe without any evidence, two numbers",
        "shadowprice.beliefs.RunningPredictor": "the same of a reply that has begun",
        "shadowprice.beliefs.FutureModel": "its linear models and distributions, as arrays",
        "shadowprice.beliefs.ThresholdPredictor": "the paper's predictor",
    }
)
"""Types that a predictor file may contain, and why; each is named by the package that it is imported from."""

_FLAT: Final = (
    *("_calibration", "_encoder", "_forest", "_future", "_hazards", "_outcome", "_prior", "_running", "_text"),
    *("_threshold", "encoders._reader", "encoders._reduced", "encoders._sentence"),
)
"""Modules of `shadowprice.beliefs` that older files name, from when all of it was one flat folder."""
_PACKAGES: Final = {module: module.rpartition(".")[0] for module in map("shadowprice.beliefs.{}".format, _FLAT)}

_LOADERS: Final = frozenset(
    {
        "CachedNode",
        "DictNode",
        "JsonNode",
        "ListNode",
        "NdArrayNode",
        "ObjectNode",
        "TupleNode",
        "TypeNode",
    }
)
"""Ways in which skops builds objects; those that call functions, methods or operators are not among them."""


def foreign_types(schema: Any) -> list[str]:
    """Types and loaders in a skops schema that no predictor needs, sorted."""
    found = set()
    for node in _nodes(schema):
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        loader = node.get("__loader__")
        if name not in TRUSTED:
            found.add(name)
        elif loader not in _LOADERS:
            found.add(f"{name} by {loader}")
    return sorted(found)


def renamed(schema: Any) -> bool:
    """Name the types in an older file's schema as files name them now; whether there were any."""
    older = [node for node in _nodes(schema) if str(node.get("__module__")) in _PACKAGES]
    for node in older:
        node["__module__"] = _PACKAGES[node["__module__"]]
    return bool(older)


def trusted_by_name() -> list[str]:
    """The list as skops takes it."""
    return [name for name in TRUSTED if not name.startswith(("builtins.", "numpy."))]


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "__loader__" in item or "__class__" in item or "__module__" in item:
                yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
