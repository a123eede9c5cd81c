"""A connector and the fakes it stands on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bybit_conformance import CREDENTIALS, INVERSE_BTC, LINEAR_BTC, SPOT_BTC

from lotusx.plugin import Cost, Response
from lotusx_bybit.facts import FACTS
from lotusx_bybit.v5 import BybitNative, Category, Listed, Quotas, V5Account, V5MarketData, V5Trading, signer_from
from lotusx_bybit.v5.errors import RestErrors
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest, FakeWsRequests


@dataclass
class Desk:
    """The ports of one product, and what they asked."""

    native: BybitNative
    market: V5MarketData
    trading: V5Trading
    account: V5Account
    rest: FakeRest
    ws: FakeWsRequests
    events: list[object]
    kernel: FakeKernel

    @property
    def body(self) -> Any:
        """The newest request's body."""
        return json.loads(self.rest.last.body)

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [request.path for request in self.rest.requests]

    @property
    def queries(self) -> list[str]:
        return [request.query for request in self.rest.requests]

    @property
    def costs(self) -> list[tuple[Cost, ...]]:
        return [request.costs for request in self.rest.requests]


def make_desk(
    categories: Sequence[Category] = (Category.SPOT,), *, lacks: Any = None, ws: Any = None, **options: Any
) -> Desk:
    """Return the shared ports over a script. *lacks*, *ws*: of an environment that differs."""
    facts = FACTS
    if lacks is not None or ws is not None:
        live = FACTS.environments["live"]
        other = replace(live, lacks=live.lacks if lacks is None else lacks, ws=live.ws if ws is None else ws)
        facts = replace(FACTS, environments={"live": other})
    rest = FakeRest(RestErrors("bybit"), signer_from("bybit", CREDENTIALS))
    listed = [item for item in (SPOT_BTC, LINEAR_BTC, INVERSE_BTC) if Category(item.kind) in categories]
    fake = FakeKernel(facts, rest=rest, instruments=FakeInstruments(listed), options=options)
    requests = fake.ws.setdefault("trade", FakeWsRequests())
    events: list[object] = []
    fake.telemetry.observe(events.append)
    kernel = fake.build()
    native, items = BybitNative(kernel, Quotas(kernel)), Listed(kernel, categories)
    return Desk(
        native,
        V5MarketData(kernel, native, items),
        V5Trading(kernel, native, items),
        V5Account(kernel, native, items),
        rest,
        requests,
        events,
        fake,
    )


def quota(body: str, limit: int, left: int, reset_ms: int = 1) -> Response:
    """Return a reply that states a quota."""
    headers = {
        "x-bapi-limit": str(limit),
        "x-bapi-limit-status": str(left),
        "x-bapi-limit-reset-timestamp": str(reset_ms),
    }
    return Response(200, headers, body.encode())
