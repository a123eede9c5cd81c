"""One signed action on its way through the venue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lotusx_sim.dialects.hyperliquid.accounts import Member
from lotusx_sim.dialects.hyperliquid.errors import ItemError
from lotusx_sim.dialects.hyperliquid.markets import Listing
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, VenueState

DEFAULT: dict[str, Any] = {"type": "default"}


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done, and for whom.

    ``member`` is acted for: the signer's account, or the vault or sub-account it named. ``owner`` is the signer's.
    """

    state: VenueState
    action: Mapping[str, Any]
    member: Member
    owner: Member
    now_ns: int

    @property
    def user(self) -> str:
        return self.member.address

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    def listing(self, asset: int) -> Listing:
        """Return what an asset id names.

        Raises:
            ItemError: Nothing; the venue's own wording is not known.
        """
        listing = self.state.universe.by_asset.get(asset)
        if listing is None:
            raise ItemError("Unknown asset.", asset=asset)
        return listing


def statuses(kind: str, items: list[Any]) -> dict[str, Any]:
    return {"type": kind, "data": {"statuses": items}}
