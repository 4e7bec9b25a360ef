"""What can go wrong.

::

    ShadowpriceError
    ├── InputError            a file, a field or an option is not what it should be      exit code 2
    │   ├── MissingExtraError an optional dependency is not installed                   exit code 2
    │   └── MissingModelError a model that this package knows was not pulled            exit code 2
    ├── BudgetTooSmallError   the budget buys nothing at all                            exit code 3
    ├── EngineError           tokens could not be generated                             exit code 4
    │   ├── UnreachableError  no server answered                                        exit code 4
    │   ├── RefusedError      the server said no                                        exit code 4
    │   ├── StalledError      the server took too long                                  exit code 4
    │   └── BrokenReplyError  a reply did not come to its end                           exit code 4
    ├── LedgerError           a ledger could not be read or written just now            exit code 5
    └── SolveError            a solver stopped without an optimal answer                exit code 1

Every message is one sentence: what is wrong, where, with numbers, and what to do about it.
"""

import difflib
from collections.abc import Iterable


class ShadowpriceError(Exception):
    """The root of everything that this package raises on purpose."""

    exit_code = 1


class InputError(ShadowpriceError, ValueError):
    """A file, a field or an option is not what it should be."""

    exit_code = 2


def no_such(what: str, name: str, names: Iterable[str], more: str = "") -> InputError:
    """The refusal of a name that is none of those there are, with the nearest one.

    Args:
        what: What was named.
        name: What was written.
        names: What could be.
        more: What else could be, after the names.
    """
    known = list(names)
    near = difflib.get_close_matches(name, known, 1)
    meant = f": did you mean {near[0]}? Choose from" if near else "; choose from"
    return InputError(f"There is no {what} '{name[:60]}'{meant} {', '.join(known)}{more}.")


class MissingExtraError(InputError):
    """An optional dependency is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra '{extra}': install it with `pip install 'shadowprice[{extra}]'`.")


class MissingModelError(InputError):
    """A model that this package knows is not on this machine."""

    def __init__(self, model: str) -> None:
        super().__init__(f"The model '{model}' is not on this machine: run `shadowprice model pull {model}`.")


class BudgetTooSmallError(ShadowpriceError):
    """The budget buys nothing at all."""

    exit_code = 3


class EngineError(ShadowpriceError):
    """Tokens could not be generated.

    Args:
        message: One sentence.
        retryable: The same request may well succeed later.
        retry_after: Seconds that the server asked to wait before that; None if it did not say.
        tokens: Tokens generated, and to be paid for, before the failure.
    """

    exit_code = 4

    def __init__(
        self, message: str = "", *, retryable: bool = False, retry_after: float | None = None, tokens: int = 0
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.tokens = tokens


class UnreachableError(EngineError):
    """No server answered: nobody listens there, the name is unknown, or TLS failed."""


class RefusedError(EngineError):
    """The server said no, before the reply or in the middle of it."""


class StalledError(EngineError):
    """The server took too long, for a piece of a reply or for all of it."""


class BrokenReplyError(EngineError):
    """A reply did not come to its end: the connection broke, or what came is not what the protocol says."""


class LedgerError(ShadowpriceError):
    """A ledger could not be read or written just now; nothing that it holds is lost."""

    exit_code = 5


class SolveError(ShadowpriceError):
    """A solver stopped without an optimal answer."""
