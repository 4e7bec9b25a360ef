"""The families of questions, and how a model is asked one.

The protocol shows a few worked examples as chat turns, each a short piece of work and a line ``Answer: ...``.
The examples are ours and are never asked. How long the work is follows from the question in many families:
counting up takes a few tokens per step, so ``Calculate 2 + 9.`` needs more tokens than ``Calculate 9 + 2.``.

Tiers are by what a model of 135 million parameters gets right: most of the easy families, some of the medium
ones, next to nothing of the hard ones, whatever they may spend.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

PROTOCOL = "worked-examples-v1"
"""Name of the way of asking: `SYSTEM_PROMPT`, then a family's examples, then the question."""

SYSTEM_PROMPT = "Work step by step. End with 'Answer:' and the final answer."
"""What every family's conversation starts with."""

TIERS = ("easy", "medium", "hard")
"""From what a small model can do to what it cannot."""


class Example(NamedTuple):
    """A question and a good reply to it."""

    question: str
    reply: str


@dataclass(frozen=True, slots=True)
class Family:
    """Questions of one kind, drawn from one reasoning-gym dataset and asked in one way."""

    name: str
    """Unique among the families."""
    tier: str
    """One of `TIERS`."""
    dataset: str
    """Name of the reasoning-gym dataset."""
    config: Mapping[str, Any]
    """The dataset's settings."""
    examples: tuple[Example, ...]
    """Worked examples, in the order in which they are shown."""


_ONE_DIGIT = {"min_digits": 1, "max_digits": 1}
_CALCULATE = {**_ONE_DIGIT, "allow_negation": False, "allow_parentheses": False}


def _examples(work: Callable[[int, int], Example], pairs: Iterable[tuple[int, int]]) -> tuple[Example, ...]:
    return tuple(work(*pair) for pair in pairs)


def _counted_up(a: int, b: int) -> Example:
    steps = ", ".join(str(a + step) for step in range(1, b + 1))
    fact = f"{a} + {b} = {a + b}"
    return Example(f"Calculate {a} + {b}.", f"{fact}. Count up from {a}: {steps}. So {fact}.\nAnswer: {a + b}")


def _counted_down(a: int, b: int) -> Example:
    steps = ", ".join(str(a - step) for step in range(1, b + 1))
    fact = f"{a} - {b} = {a - b}"
    return Example(f"Calculate {a} - {b}.", f"{fact}. Count down from {a}: {steps}. So {fact}.\nAnswer: {a - b}")


def _counted_by(a: int, b: int) -> Example:
    steps = ", ".join(str(b * step) for step in range(1, a + 1))
    fact = f"{a} * {b} = {a * b}"
    return Example(_multiplication(a, b), f"{fact}. Count by {b}: {steps}. So {fact}.\nAnswer: {a * b}")


def _recalled(a: int, b: int) -> Example:
    return Example(f"Calculate {a} * {b}.", f"{a} * {b} = {a * b}\nAnswer: {a * b}")


def _told(a: int, b: int) -> Example:
    sign, verb = ("+", "add") if b >= 0 else ("-", "subtract")
    return Example(
        f"State the final answer to the following arithmetic problem: {a} {sign} {abs(b)} =",
        f"Start with {a}. Then {verb} {abs(b)}. {a} {sign} {abs(b)} = {a + b}. So the result is {a + b}.\n"
        f"Answer: {a + b}",
    )


def _multiplied(a: int, b: int, c: int) -> Example:
    return Example(_multiplication(a, b, c), f"{a} * {b} = {a * b}\n{a * b} * {c} = {a * b * c}\nAnswer: {a * b * c}")


def _multiplication(*factors: int) -> str:
    product = " * ".join(map(str, factors))
    return f"Solve the following multiplication: {product}. Give only the result as your final answer."


def _common_multiple(a: int, b: int, multiple: int) -> Example:
    return Example(
        f"Find the Least Common Multiple (LCM) of these numbers: {a}, {b}",
        f"{multiple} = {a} * {multiple // a}\n{multiple} = {b} * {multiple // b}\nAnswer: {multiple}",
    )


def _listed_divisors(a: int, b: int) -> Example:
    divisors = [[d for d in range(1, number + 1) if number % d == 0] for number in (a, b)]
    largest = max(set(divisors[0]) & set(divisors[1]))
    lines = [
        f"Divisors of {number}: {', '.join(map(str, listed))}" for number, listed in zip((a, b), divisors, strict=True)
    ]
    return Example(
        f"Find the Greatest Common Divisor (GCD) of these numbers: {a}, {b}. Give only the GCD as your final answer.",
        "\n".join([*lines, f"The largest in both is {largest}", f"Answer: {largest}"]),
    )


def _halved(number: int) -> Example:
    lines, rest = [], number
    while rest:
        lines.append(f"{rest} = 2 * {rest // 2} + {rest % 2}")
        rest //= 2
    return Example(
        f"How many 1 bits are there in the binary representation of the number {number}?",
        "\n".join([*lines, f"Ones: {number.bit_count()}", f"Answer: {number.bit_count()}"]),
    )


def _named(statements: str, fact: str, name: str) -> Example:
    return Example(f"{statements} \nWho {fact}? Reply only with a name.", f"{name} {fact}.\nAnswer: {name}")


FAMILIES = (
    Family(
        "plus",
        "easy",
        "basic_arithmetic",
        {**_CALCULATE, "min_terms": 2, "max_terms": 2, "operators": ["+"]},
        _examples(_counted_up, [(5, 3), (2, 9), (8, 6)]),
    ),
    Family(
        "times",
        "easy",
        "basic_arithmetic",
        {**_CALCULATE, "min_terms": 2, "max_terms": 2, "operators": ["*"]},
        _examples(_recalled, [(5, 3), (7, 0), (8, 6)]),
    ),
    Family(
        "product",
        "easy",
        "products",
        {**_ONE_DIGIT, "min_terms": 2, "max_terms": 2},
        _examples(_counted_by, [(4, 6), (7, 3), (2, 9)]),
    ),
    Family(
        "sum",
        "easy",
        "chain_sum",
        {**_ONE_DIGIT, "min_terms": 2, "max_terms": 2},
        _examples(_told, [(5, 3), (9, -2), (2, -6)]),
    ),
    Family(
        "needle",
        "easy",
        "needle_haystack",
        {"min_num_statements": 2, "max_num_statements": 3},
        (
            _named("Mia likes pears. Omar hates rugby.", "hates rugby", "Omar"),
            _named("Ivo enjoys chess. Ruth loves the color blue. Finn fears bees.", "enjoys chess", "Ivo"),
            _named("Lena values pandas. Kim hates tea.", "values pandas", "Lena"),
        ),
    ),
    Family(
        "minus",
        "medium",
        "basic_arithmetic",
        {**_CALCULATE, "min_terms": 2, "max_terms": 2, "operators": ["-"]},
        _examples(_counted_down, [(8, 3), (9, 7), (2, 6)]),
    ),
    Family(
        "product-3",
        "medium",
        "products",
        {**_ONE_DIGIT, "min_terms": 3, "max_terms": 3},
        (_multiplied(4, 6, 3), _multiplied(2, 5, 7)),
    ),
    Family(
        "mixed",
        "medium",
        "basic_arithmetic",
        {**_CALCULATE, "min_terms": 3, "max_terms": 3, "operators": ["*", "+"]},
        (
            Example("Calculate 4 * 3 + 2.", "4 * 3 = 12\n12 + 2 = 14\nAnswer: 14"),
            Example("Calculate 5 + 2 * 4.", "2 * 4 = 8\n5 + 8 = 13\nAnswer: 13"),
            Example("Calculate 3 + 7 + 2.", "3 + 7 = 10\n10 + 2 = 12\nAnswer: 12"),
        ),
    ),
    Family(
        "gcd",
        "medium",
        "gcd",
        {"min_numbers": 2, "max_numbers": 2, "min_value": 2, "max_value": 18},
        _examples(_listed_divisors, [(12, 18), (7, 16)]),
    ),
    Family(
        "lcm",
        "medium",
        "lcm",
        {"min_value": 2, "max_value": 15},
        (_common_multiple(4, 6, 12), _common_multiple(5, 3, 15), _common_multiple(2, 8, 8)),
    ),
    Family(
        "bits",
        "hard",
        "count_bits",
        {"min_n": 100, "max_n": 900},
        (_halved(13), _halved(34)),
    ),
    Family(
        "triangle",
        "hard",
        "simple_geometry",
        {"min_sides": 3, "max_sides": 3},
        (),
    ),
    Family(
        "story",
        "hard",
        "gsm_symbolic",
        {},
        (
            Example(
                "Ben has 3 boxes with 4 pens each. He gives 5 pens away. How many pens are left? "
                "Give the result as your final answer. Do not include units.",
                "Ben has 3 boxes with 4 pens each, so he has 3 * 4 = 12 pens.\n"
                "He gives 5 pens away, so 12 - 5 = 7 pens are left.\nAnswer: 7",
            ),
        ),
    ),
    Family(
        "cipher",
        "hard",
        "caesar_cipher",
        {"min_words": 3, "max_words": 6},
        (
            Example(
                "Decrypt this Caesar cipher text: UIF DBU TBU. Provide only the decrypted text as your final answer.",
                "Shift 1: U -> T, I -> H, F -> E: THE\nDBU: CAT\nTBU: SAT\nAnswer: THE CAT SAT",
            ),
        ),
    ),
)
"""Every family, tier after tier."""
