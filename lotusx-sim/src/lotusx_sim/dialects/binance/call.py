"""One request on its way through a Binance venue, whichever surface and market it came by."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from lotusx_sim.dialects.binance.limits import Limits
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState


class Security(Enum):
    NONE = "none"
    KEY = "key"  # its name in the header, nothing signed
    TRADE = "trade"
    USER_DATA = "user data"


class Books(Protocol):
    """What every surface needs of the state behind it: who may ask, and how much."""

    limits: Limits
    keys: dict[str, ApiKey]


StateT = TypeVar("StateT", bound=Books)


@dataclass(slots=True)
class CallOn(Generic[StateT]):
    state: StateT
    params: Params
    now_ns: int
    account: str = ""
    unit: int = NS_PER_MS  # nanoseconds in one unit of the times the client asked for
    retry_after_s: int | None = None


@dataclass(frozen=True)
class OperationOn(Generic[StateT]):
    """One endpoint: the same on REST and on the WS API but for its name."""

    run: Callable[[CallOn[StateT]], Any]
    names: tuple[str, ...] = ()  # parameters it knows
    weight: int | Callable[[Params], int] = 1
    security: Security = Security.NONE
    is_order: bool = False  # free when it succeeds

    def weight_of(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


Call = CallOn[SpotState]
Operation = OperationOn[SpotState]
