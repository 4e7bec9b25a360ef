"""Who asks: nobody who does not have the key, and each tenant by its own."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shadowprice.gateway._headers import KEYS
from shadowprice.gateway._refusals import Headers, RefusedRequestError


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody among those who share the budget."""

    name: str
    """For the books; empty for whoever is nobody in particular."""
    key: str = field(default="", repr=False)
    """What it sends."""
    weight: float = 1.0
    """What a reply to it is worth, beside 1 for others."""


NOBODY: Final = Tenant("")


class Keyhole:
    """Lets in who has a key.

    Args:
        key: Everybody's; None lets everybody in, unless there are tenants.
        tenants: Those with a key of their own.
    """

    def __init__(self, key: str | None, tenants: Sequence[Tenant] = ()) -> None:
        everybody = [] if key is None else [Tenant("", key)]
        # What is compared has one length, whatever was sent.
        self._known = [(_digest(one.key.encode()), one) for one in (*everybody, *tenants)]

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return not self._known

    def check(self, headers: Headers) -> Tenant:
        """Look at a request's key; whose it is.

        Raises:
            RefusedRequestError: It is nobody's.
        """
        if not self._known:
            return NOBODY
        for name, value in headers:
            if name not in KEYS:
                continue
            kind, _, token = value.partition(b" ")
            bearer = token.strip() if kind.lower() == b"bearer" else b""
            given = _digest(bearer if name == b"authorization" else value)
            # All are compared, so that the time does not say whose it is like.
            found = [tenant for digest, tenant in self._known if hmac.compare_digest(given, digest)]
            if found:
                return found[0]
        raise RefusedRequestError(
            401, "The key is missing or wrong; send the gateway's as 'Authorization: Bearer KEY'.", "invalid_api_key"
        )


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
