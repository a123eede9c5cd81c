"""Conformance kit and fakes for authors of LotusX exchange plugins.

Derive a test class from `Conformance`; or take the fakes, the checks and the fixtures one by one. Names are resolved
when first used, because pytest imports this package in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lotusx_testing.arena import Arena as Arena, Dialect as Dialect, simulated as simulated
    from lotusx_testing.cases import Case as Case
    from lotusx_testing.conformance import Conformance as Conformance, Subject as Subject
    from lotusx_testing.conversations import Conversation as Conversation
    from lotusx_testing.fakes import (
        FakeClock as FakeClock,
        FakeInstruments as FakeInstruments,
        FakeKernel as FakeKernel,
        FakeRest as FakeRest,
        FakeWsRequests as FakeWsRequests,
    )
    from lotusx_testing.http import HttpExchange as HttpExchange
    from lotusx_testing.moments import FakeMoments as FakeMoments
    from lotusx_testing.payloads import NewValue as NewValue, Payload as Payload
    from lotusx_testing.progress import Progress as Progress
    from lotusx_testing.requests import (
        Expected as Expected,
        MessageVector as MessageVector,
        RequestExample as RequestExample,
        SigningVector as SigningVector,
    )
    from lotusx_testing.round_trips import RoundTrip as RoundTrip
    from lotusx_testing.tables import ErrorTable as ErrorTable, Refusal as Refusal, check_doubt as check_doubt
    from lotusx_testing.transport import Document as Document, DocumentTransport as DocumentTransport

_HOMES = {
    "arena": "Arena Dialect simulated",
    "cases": "Case",
    "conformance": "Conformance Subject",
    "conversations": "Conversation",
    "fakes": "FakeClock FakeInstruments FakeKernel FakeRest FakeWsRequests",
    "http": "HttpExchange",
    "moments": "FakeMoments",
    "payloads": "NewValue Payload",
    "progress": "Progress",
    "requests": "Expected MessageVector RequestExample SigningVector",
    "round_trips": "RoundTrip",
    "tables": "ErrorTable Refusal check_doubt",
    "transport": "Document DocumentTransport",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME)  # noqa: PLE0605 - the list is the table above


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
