"""A model that is not there, for tests of whatever spends tokens."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace

from shadowprice._errors import EngineError, InputError
from shadowprice.engines import Delta, ReplayEngine, Reply, Request

Failing = Callable[[Request, int], EngineError | None]


class MockEngine(ReplayEngine):
    """Replays replies and misbehaves as servers do, while counting as a server would.

    ::

        busy = RefusedError("Busy.", retryable=True)
        engine = MockEngine({"q1": Reply("Answer: 42", 9)}, fail=lambda request, time: busy if time == 1 else None)

    Args:
        replies: Replies by request id, or a function that answers a request.
        overshoot: Tokens generated after the last delta that was read, when a stream is closed.
        fail: Asked before every request, with how often this request id has been asked, this time included; an error
            that it returns is raised after `fail_after` tokens.
        fail_after: Tokens.
        resumes: Whether it may be asked to go on with a text; `replies` is then asked for what follows it.
        model: Name of the model.
        step: Tokens per delta.
        delay: Seconds before every delta.

    Raises:
        InputError: A number is below 0, or `step` below 1.
    """

    def __init__(
        self,
        replies: Mapping[str, Reply] | Callable[[Request], Reply],
        *,
        overshoot: int = 0,
        fail: Failing = lambda request, time: None,
        fail_after: int = 0,
        resumes: bool = False,
        model: str = "mock",
        step: int = 1,
        delay: float = 0.0,
    ) -> None:
        super().__init__(replies, model=model, step=step, delay=delay)
        if overshoot < 0 or fail_after < 0:
            raise InputError(f"`overshoot` and `fail_after` must be 0 or more, not {overshoot} and {fail_after}.")
        self.overshoot = overshoot
        self.resumes = resumes
        self.requests: list[Request] = []
        """What was asked, in order."""
        self.generated: Counter[str] = Counter()
        """Tokens by request id, read or not."""
        self._times: Counter[str] = Counter()
        self._fail = fail
        self._fail_after = fail_after

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Replay a reply piece by piece, or fail.

        Raises:
            EngineError: As `fail` says, or there is no recording for the request.
        """
        self.requests.append(request)
        self._times[request.request_id] += 1
        error = self._fail(request, self._times[request.request_id])
        reply = self._reply_to(request)
        most = min(reply.tokens, request.max_tokens)
        if error is not None:
            most = min(most, self._fail_after)
        read = 0
        try:
            if most:
                async with aclosing(self._play(reply, most)) as deltas:
                    async for delta in deltas:
                        read = delta.tokens
                        yield delta if error is None else replace(delta, finish_reason=None)
            if error is not None:
                raise error
        finally:
            self.generated[request.request_id] += min(read + self.overshoot, most)

    async def total_generated(self) -> int:
        """Tokens of all replies, read or not."""
        return self.generated.total()
