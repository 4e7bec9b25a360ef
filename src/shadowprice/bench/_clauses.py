"""What each policy does, in a clause, for readers who have never heard of it."""

from typing import Final

CLAUSES: Final = {
    "uniform": "the same cap for every query",
    "predictor": "caps in proportion to what each query is predicted to need",
    "tale-ep": "the model estimates its own tokens, first come, first served",
    "clear-heuristic": "the queries that are predicted to need least come first",
    "clear-auction": "the paper's one price for all, found by an ascending clock",
    "clear-lambert": "the paper's one price for all, found in closed form",
    "expected": "one price, for the chance of a right answer with all its uncertainty",
    "index": "a price that decides, step by step, who begins and who goes on",
    "index-resume": "whoever is worth most goes on next, where replies can pause",
    "oracle": "knows where each right answer appears, which nobody can: the ceiling",
}
"""By the names of `shadowprice.policies.POLICIES`."""


class Names:
    """Names of policies in a text: the first time that one is named, it is said what it does."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, policy: str) -> str:
        """The name, with its clause the first time."""
        if policy in self._said or policy not in CLAUSES:
            return policy
        self._said.add(policy)
        return f"{policy} ({CLAUSES[policy]})"
