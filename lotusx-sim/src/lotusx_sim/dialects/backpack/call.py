"""One request, once it is known whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from lotusx_sim.dialects.backpack.params import Params
from lotusx_sim.dialects.backpack.signing import Key
from lotusx_sim.dialects.backpack.state import User, VenueState


@dataclass(frozen=True, slots=True)
class Call:
    state: VenueState
    params: Params
    now_ns: int
    key: Key | None = None  # None: public
    batch: tuple[Params, ...] = ()  # the orders of a batch

    @property
    def account(self) -> str:
        assert self.key is not None
        return self.key.account

    @property
    def user(self) -> User:
        return self.state.users[self.account]
