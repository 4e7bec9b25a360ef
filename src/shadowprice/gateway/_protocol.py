"""What tells one of the APIs from another: how a request says what it asks for, and how a reply says what it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from shadowprice.engines import Dialect, Reading
from shadowprice.gateway._refusals import bad_request

Json = dict[str, Any]
NATIVE_CAPS: Final = ("n_predict", "num_predict", "max_new_tokens", "max_length", "max_tokens_to_sample")
"""Fields of servers' own that cap a reply, and on some go before OpenAI's."""
MOST_CHOICES: Final = 128
"""As OpenAI has it."""


class Piece(NamedTuple):
    """What an event says of one choice."""

    choice: int
    """Its index."""
    reading: Reading


@dataclass(slots=True)
class Ending:
    """What a reply that is stopped here has come to, for the last words that a client gets."""

    name: str
    """The request's own name."""
    model: str
    choices: list[int]
    """Indices of the choices that have not ended."""
    tokens: int
    """Tokens generated, all choices together."""
    prompt: int
    """Tokens of the prompt, 0 where nobody said."""
    usage: bool
    """Whether the client asked for usage."""
    told: Json = field(default_factory=dict)
    """What is explained of the stop."""

    @property
    def counts(self) -> Json:
        """The usage as OpenAI's chat has it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.tokens,
            "total_tokens": self.prompt + self.tokens,
        }


class AbstractGathering(ABC):
    """The events of one reply, put together: for a client that wants it whole, and for the end of one that is cut."""

    @abstractmethod
    def add(self, event: Json) -> None:
        """An event has come."""

    @abstractmethod
    def more(self, index: int, field: str, text: str) -> None:
        """An event has come that holds nothing but a text, of one choice, in one field."""

    def known(self, data: bytes) -> None:
        """An event of a stream has come that need not be parsed; only of an API that repeats itself."""
        del data

    @abstractmethod
    def whole(self, ending: Ending | None) -> Json:
        """The reply as if it had not been streamed; stopped, if there is an ending."""

    @abstractmethod
    def last_words(self, ending: Ending) -> bytes:
        """The events that end a stream which is stopped here."""


class AbstractProtocol(ABC):
    """One API. Stateless."""

    path: str
    """Where it is served, below the server's root: ``/v1/chat/completions``."""
    caps: tuple[str, ...]
    """Fields that cap a reply, the usual one first."""
    repeats: bool = False
    """Whether the streams of one server have chunks that say the same in the same words, but for names and times."""

    @abstractmethod
    def choices(self, body: Json) -> int:
        """Replies that a request asks for.

        Raises:
            RefusedRequestError: A field is not what it should be.
        """

    @abstractmethod
    def question(self, body: Json) -> str | None:
        """What is asked, as far as a predictor reads it."""

    @abstractmethod
    def written(self, body: Json, cap: int, dialect: Dialect, thinking: int | None) -> Json:
        """The request as its server gets it: streamed, each choice capped, all else as it was.

        Args:
            body: As the client sent it.
            cap: Tokens of each choice.
            dialect: The server's.
            thinking: Tokens of reasoning among them, at most; None leaves that to the client.
        """

    @abstractmethod
    def hides(self, event: Json, *, usage: bool) -> bool:
        """Whether a client that asked for usage or did not would never have got this event."""

    @abstractmethod
    def read(self, event: Json) -> list[Piece]:
        """What an event says of each choice.

        Raises:
            MalformedChunkError: It is not what the protocol says.
        """

    @abstractmethod
    def gathering(self, *, keep: bool) -> AbstractGathering:
        """Puts a reply together; if nobody wants it whole, `keep` is False, and only what its end needs is kept."""

    def capped(self, body: Json, cap: int) -> Json:
        """A copy in which whatever caps the reply says the same cap."""
        return body | {name: cap for name in (*self.caps, *NATIVE_CAPS) if body.get(name) is not None}

    def most(self, body: Mapping[str, Any]) -> int | None:
        """The least of all caps that a request names, per choice; None without one.

        Raises:
            RefusedRequestError: One is no positive number.
        """
        found = [positive(body, name) for name in self.caps]
        native = [body.get(name) for name in NATIVE_CAPS]
        found += [cap for cap in native if isinstance(cap, int) and not isinstance(cap, bool) and cap > 0]
        return min((cap for cap in found if cap is not None), default=None)


def positive(body: Mapping[str, Any], name: str, most: int | None = None) -> int | None:
    """A field that holds a whole number above 0, or nothing.

    Raises:
        RefusedRequestError: It holds something else.
    """
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1 or (most is not None and value > most):
        limits = "a whole number above 0" if most is None else f"a whole number from 1 to {most}"
        raise bad_request(f"'{name}' is not {limits}; correct it.", name)
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A field that is true, false or absent.

    Raises:
        RefusedRequestError: It is something else, which servers read in different ways.
    """
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise bad_request(f"'{name}' is neither true nor false; correct it.", name)


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or parts of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "\n".join(text for text in texts if isinstance(text, str))


def last_question(messages: Any) -> str | None:
    """The text of the last message that a user wrote."""
    if not isinstance(messages, list):
        return None
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            return text_of(message.get("content")) or None
    return None
