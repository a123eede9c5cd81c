"""One request on its way through the venue, whichever surface it came by."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState


class Security(Enum):
    NONE = "none"
    TRADE = "trade"
    USER_DATA = "user data"


@dataclass(slots=True)
class Call:
    state: SpotState
    params: Params
    now_ns: int
    account: str = ""
    unit: int = NS_PER_MS  # nanoseconds in one unit of the times the client asked for
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: the same on REST and on the WS API but for its name."""

    run: Callable[[Call], Any]
    names: tuple[str, ...] = ()  # parameters it knows
    weight: int | Callable[[Params], int] = 1
    security: Security = Security.NONE
    is_order: bool = False  # free when it succeeds

    def weight_of(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)
