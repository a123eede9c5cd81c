"""Which path leads to which kind of socket."""

from lotusx_sim.dialects.bybit.errors import FORBIDDEN_TEXT
from lotusx_sim.dialects.bybit.listings import Category
from lotusx_sim.dialects.bybit.private_ws import PrivatePeer
from lotusx_sim.dialects.bybit.state import DEMO, VenueState
from lotusx_sim.dialects.bybit.streams import Hub
from lotusx_sim.dialects.bybit.trade_ws import TradePeer
from lotusx_sim.dialects.bybit.ws import Peer, PublicPeer
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpResponse

_PUBLIC = {f"/v5/public/{category.value}": category for category in Category}
_PRIVATE, _TRADE = "/v5/private", "/v5/trade"
_SHORTEST_S, _LONGEST_S = 30, 600


def open_peer(
    state: VenueState, hub: Hub, target: str, out: Outbox, *, ip: str, now_ns: int, echoes_category: bool
) -> Peer | HttpResponse:
    """Return the venue's end of a new socket, or what its handshake is answered with."""
    path, _, query = target.partition("?")
    path = path.rstrip("/")
    known = (_PRIVATE,) if state.options.environment == DEMO else (_PRIVATE, _TRADE, *_PUBLIC)
    if path not in known:
        return HttpResponse(404)
    if not state.limits.may_connect(ip, now_ns):
        return HttpResponse(403, (("content-type", "text/html"),), FORBIDDEN_TEXT.encode())
    peer: Peer
    if path == _PRIVATE:
        peer = PrivatePeer(state, out, ip=ip, opened_ns=now_ns, echoes_category=echoes_category)
    elif path == _TRADE:
        peer = TradePeer(state, out, ip=ip, opened_ns=now_ns)
    else:
        peer = PublicPeer(state, hub, _PUBLIC[path], out, ip=ip, opened_ns=now_ns)
    if peer.idle_ns and (seconds := _active_time_s(query)):
        peer.idle_ns = seconds * 1_000_000_000
    return peer


def _active_time_s(query: str) -> int:
    """Return ``max_active_time`` in seconds, 0 where it is absent or out of range."""
    asked = dict(part.partition("=")[::2] for part in query.split("&")).get("max_active_time", "")
    number, unit = asked[:-1], asked[-1:]
    if not number.isdigit() or unit not in ("s", "m"):
        return 0
    seconds = int(number) * (60 if unit == "m" else 1)
    return seconds if _SHORTEST_S <= seconds <= _LONGEST_S else 0
