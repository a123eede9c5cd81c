"""Whose account the credentials mean: addresses, checked before anything is sent. Needs no cryptography."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from lotusx.errors import CredentialsError, InvalidArgument
from lotusx.plugin import Secret

if TYPE_CHECKING:
    from typing import Protocol

    from lotusx.plugin import Signer

    class KnowsUser(Protocol):
        """What a signer of this exchange says beyond signing."""

        @property
        def user(self) -> str: ...


_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def address(text: str, *, name: str) -> str:
    """Return an address in the lower-case form that is signed and sent.

    Raises:
        InvalidArgument: It is not ``0x`` and 40 hexadecimal digits.
    """
    if not _ADDRESS.fullmatch(text):
        raise InvalidArgument(f"{name} must be 0x and 40 hexadecimal digits, not {text!r}", rule="address")
    return text.lower()


def credential(credentials: Mapping[str, Any], name: str) -> str:
    """Return a credential's text; "" where it is not there."""
    value = credentials.get(name) or ""
    return value.reveal() if isinstance(value, Secret) else str(value).strip()


def credential_address(credentials: Mapping[str, Any], name: str) -> str | None:
    """Return an address of the credentials; ``None`` where it is not there.

    Raises:
        CredentialsError: It is no address. The text is not repeated: it might be a key in the wrong place.
    """
    text = credential(credentials, name)
    if not text:
        return None
    if not _ADDRESS.fullmatch(text):
        raise CredentialsError(f"hyperliquid: {name} must be 0x and 40 hexadecimal digits")
    return text.lower()


def user_of(signer: Signer | None, credentials: Mapping[str, Any]) -> str | None:
    """Return the address whose orders, fills and balances are asked for; ``None``: public data only.

    A connection's signer, where there is one, knows it; an address alone is enough to read.
    """
    if signer is not None:
        return cast("KnowsUser", signer).user
    return credential_address(credentials, "account_address")
