"""One request, once its sender is known."""

from dataclasses import dataclass
from typing import Any

from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.bybit.limits import Quota
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.state import NS_PER_MS, VenueState


@dataclass(frozen=True, slots=True)
class Call:
    state: VenueState
    params: Params
    now_ns: int
    key: ApiKey | None = None  # None: a public request

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    @property
    def account(self) -> str:
        assert self.key is not None, "only signed requests have an account"
        return self.key.account


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint returns when it says more than its result."""

    result: Any
    extra: dict[str, Any]
    quota: Quota | None = None  # where the endpoint has counted for itself
