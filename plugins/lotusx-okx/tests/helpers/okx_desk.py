"""A connector, and what it said to a scripted exchange."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lotusx_okx.connector import OkxConnector
from lotusx_testing.fakes import FakeRest


@dataclass
class Desk:
    """A connector and the fakes it stands on."""

    connector: OkxConnector
    rest: FakeRest

    @property
    def sent(self) -> Any:
        """The body of the newest request."""
        return json.loads(self.rest.last.body)

    @property
    def asked(self) -> list[str]:
        """Verb and path of every request so far."""
        return [f"{request.verb} {request.path}" for request in self.rest.requests]


MakeDesk = Callable[..., Desk]
