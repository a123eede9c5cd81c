"""What the REST client must be told about an exchange: what an error looks like, what a reply says of limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from lotusx.errors import LotusXError
from lotusx.kernel.request import Request, Response


@dataclass(frozen=True, slots=True)
class Usage:
    """What the exchange itself counted in the current window of a limit."""

    pool: str
    window_s: float
    used: int


class RestDialect(Protocol):
    """Pure: reads one reply."""

    def error(self, request: Request, response: Response) -> LotusXError | None:
        """Return the error a reply stands for; ``None``: it is a success.

        HTML, truncated JSON or a wrong content type become `MalformedReply`. A refusal that leaves open whether a
        command was executed carries ``may_have_executed``.
        """

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        """Return what the exchange counted, from the headers of the reply to *request*."""
