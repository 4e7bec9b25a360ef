"""An engine that answers by a rule, for commands that name it and for callers that make it."""

from typing import Any

from shadowprice.engines import ReplayEngine, Reply, Request
from shadowprice.tasks import Question

COUNT = 48


def asked(number: int) -> Question:
    """A sum; the number says how long its reply is, and whether it is right."""
    words = " and so on" * (number % 4)
    return Question(f"q{number}", f"What is {number} + 2{words}?", str(number + 2), grader="number")


def reply(number: int) -> Reply:
    """What the engine says: right but for every third number, and longer for some."""
    answer = number + 2 if number % 3 else -1
    tokens = 6 + 5 * (number % 4)
    return Reply(f"{'Let me see. ' * (1 + number % 4)}Answer: {answer}", tokens)


def recorded(numbers: range) -> dict[str, list[Any]]:
    """Columns of traces of these replies."""
    said = [reply(number) for number in numbers]
    return {
        "query_id": [f"q{number}" for number in numbers],
        "question": [asked(number).question for number in numbers],
        "correct": [number % 3 != 0 for number in numbers],
        "completion": [one.text for one in said],
        "completion_tokens": [one.tokens for one in said],
        "answer_tokens": [one.tokens for one in said],
    }


class Scripted(ReplayEngine):
    """Answers what `asked` asks as `reply` says."""

    def __init__(self, model: str = "scripted", delay: float = 0.0) -> None:
        super().__init__(self._answer, model=model, delay=delay)
        self.seen: list[str] = []
        """Ids of requests, in order."""
        self.closed = False

    def _answer(self, request: Request) -> Reply:
        self.seen.append(request.request_id)
        return reply(int(request.messages[-1]["content"].split()[2]))

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True
