"""Where Bybit is reached. One host serves every product; the path of a public stream names the category.

Source: bybit-exchange/docs, v5/guide ("Base endpoint"), v5/ws/connect and v5/demo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from lotusx.plugin import Capability as C, Environment, Support

_LIVE, _LIVE_STREAM = "https://api.bybit.com", "wss://stream.bybit.com"

REGIONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        # An account of a regional site must use that site; listings and rules differ. The Netherlands (api.bybit.nl)
        # and the Emirates (api.bybit.ae) are not here: their stream hosts are not documented.
        # Documented for apps connected through a broker; its stream host is documented for system status only, and was
        # seen to serve spot (recorded in 2026). Whether every key may trade here is not known.
        "eu": ("https://api.bybit.eu", "wss://stream.bybit.eu"),
        "tr": ("https://api.bybit.tr", "wss://stream.bybit.tr"),
        "kz": ("https://api.bybit.kz", "wss://stream.bybit.kz"),
        "ge": ("https://api.bybitgeorgia.ge", "wss://stream.bybitgeorgia.ge"),
        "id": ("https://api.bybit.id", "wss://stream.bybit.id"),
        "jp": ("https://api.manepa.jp", "wss://stream.manepa.jp"),
    }
)
"""Region → REST host and stream host."""

_NOT_ON_DEMO: Final = Support.not_offered("environment='testnet', or 'live'")
DEMO_LACKS: Final[Mapping[C, Support]] = MappingProxyType(
    {
        C.WEBSOCKET_ORDERS: Support.not_offered("place, over REST (this environment has no trade socket)"),
        C.FEES: _NOT_ON_DEMO,
        C.DEPOSITS: _NOT_ON_DEMO,
        C.WITHDRAWALS: _NOT_ON_DEMO,
        C.TRANSFER: _NOT_ON_DEMO,
    }
)
"""What the demo environment does not have, in any category."""


def environments(public: Mapping[str, str], *, demo_lacks: Mapping[C, Support]) -> Mapping[str, Environment]:
    """Return the environments of one exchange.

    Every one has the REST services ``market`` (public) and ``api`` (private). The demo site trades on mainnet's prices
    and has no public streams of its own: what is public comes from mainnet there.

    Args:
        public: WebSocket group → category of the public streams it carries.
        demo_lacks: What is missing there beside `DEMO_LACKS`.
    """

    def sockets(host: str, *, private: Sequence[str] = ("account", "trade"), own: str | None = None) -> dict[str, str]:
        paths = {"account": "private", "trade": "trade"}
        urls = {group: f"{host}/v5/public/{category}" for group, category in public.items()}
        return urls | {group: f"{own or host}/v5/{paths[group]}" for group in private}

    def site(name: str, rest: str, stream: str, *, real_money: bool = False) -> Environment:
        return Environment(name, {"market": rest, "api": rest}, sockets(stream), real_money=real_money)

    found = [
        site("live", _LIVE, _LIVE_STREAM, real_money=True),
        *(site(f"live-{region}", *hosts, real_money=True) for region, hosts in REGIONS.items()),
        site("testnet", "https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com"),
        Environment(
            "demo",
            {"market": _LIVE, "api": "https://api-demo.bybit.com"},
            sockets(_LIVE_STREAM, private=("account",), own="wss://stream-demo.bybit.com"),
            lacks=MappingProxyType({**DEMO_LACKS, **demo_lacks}),
        ),
        site("simulator", "{base}", "{ws}"),
    ]
    return MappingProxyType({environment.name: environment for environment in found})
