"""Reads request parameters the way the venue does, refusals included."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_plus

from lotusx_sim.dialects.binance.errors import VenueError, missing

_DECIMAL = re.compile(r"[0-9]{0,20}(\.[0-9]{1,20})?")
_DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_CLIENT_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")
_MAX_LONG = 2**63 - 1


class Params:
    """The parameters of one request by name, each still as text."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def of_rest(cls, query: str, body: str) -> "Params":
        """Decode a query and a form body; where both have a name, the query wins."""
        values: dict[str, str] = {}
        for part in (query, body):
            seen: set[str] = set()
            for item in part.split("&"):
                if not item:
                    continue
                name, _, value = item.partition("=")
                name = unquote_plus(name)
                if name in seen:
                    raise VenueError(-1101, f"Duplicate values for parameter '{name}'.")
                seen.add(name)
                values.setdefault(name, unquote_plus(value))
        return cls(values)

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "Params":
        """Take WS API parameters; numbers keep the text they were sent with."""
        return cls({name: _as_text(value) for name, value in values.items() if value is not None})

    @property
    def texts(self) -> Mapping[str, str]:
        return self._values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def allow(self, names: Iterable[str]) -> None:
        """Refuse parameters the endpoint does not know."""
        known = {"timestamp", "recvWindow", "signature", "apiKey", *names}
        read = sum(name in known for name in self._values)
        if read == len(self._values):
            return
        if read == 0:
            raise VenueError(-1101, f"Too many parameters; expected '0' and received '{len(self._values)}'.")
        raise VenueError(
            -1104,
            f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(self._values)}'.",
        )

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value == "":
            raise VenueError(-1105, f"Parameter '{name}' was empty.")
        return value

    def need(self, name: str) -> str:
        value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def choice(self, name: str, allowed: Iterable[str], *, code: int, message: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise VenueError(code, message)
        return value

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit()):
            raise VenueError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            )
        if int(value) > _MAX_LONG:
            raise VenueError(-1108, f"Value '{value}' sent for parameter '{name}' is too large to process.")
        return int(value)

    def bounded(self, name: str, default: int, maximum: int) -> int:
        """Return an integer between 1 and *maximum*; more is cut to it, as the venue does."""
        value = self.integer(name)
        if value is None:
            return default
        if value < 1:
            raise VenueError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return min(value, maximum)

    def boolean(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise VenueError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value.lower() == "true"

    def decimal(self, name: str) -> Decimal | None:
        """Return a positive amount.

        Raises:
            VenueError: -1100 not a plain decimal, -1111 more than eight decimals, -1013 not above zero.
        """
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value):
            raise VenueError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '{_DECIMAL_RANGE}'."
            )
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise VenueError(-1100, f"Illegal characters found in parameter '{name}'.") from None
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and exponent < -8:
            raise VenueError(-1111, f"Parameter '{name}' has too much precision.")
        if number <= 0:
            label = {"quantity": "quantity", "price": "price", "quoteOrderQty": "quoteOrderQty"}.get(name, name)
            raise VenueError(-1013, f"Invalid {label}.")
        return number

    def client_id(self, name: str) -> str:
        """Return a client order id, "" when none was sent."""
        value = self.text(name)
        if value is None:
            return ""
        if not _CLIENT_ID.fullmatch(value):
            raise VenueError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[a-zA-Z0-9-_]{{1,36}}$'."
            )
        return value

    def names(self, name: str) -> list[str] | None:
        """Return a list sent as JSON, such as ``symbols``."""
        value = self.text(name)
        if value is None:
            return None
        try:
            items = json.loads(value)
        except json.JSONDecodeError:
            items = None
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            one = r'"[\w\-._&&[^a-z]]{1,50}"'
            legal = rf"^\[({one}(,{one}){{0,}})?\]$"
            raise VenueError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
        if len(set(items)) != len(items):
            raise VenueError(-1151, "Symbol is present multiple times in the list.")
        return items


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)
