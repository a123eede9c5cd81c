"""The WS API of USDⓈ-M futures: order entry and queries; user data comes on the private streams."""

from lotusx_sim.dialects.binance.api_peer import ApiPeer
from lotusx_sim.dialects.binance_perp import accounts, algo_service, listen_keys, markets, trading
from lotusx_sim.dialects.binance_perp.call import Operation
from lotusx_sim.dialects.binance_perp.state import PerpState

PATH = "/ws-fapi/v1"
HANDSHAKE_WEIGHT = 5
METHODS: dict[str, Operation] = {
    "ping": markets.PING,
    "time": markets.TIME,
    "depth": markets.DEPTH,
    "ticker.price": markets.TICKER_PRICE,
    "ticker.book": markets.TICKER_BOOK,
    "order.place": trading.PLACE_BY_WS,
    "order.modify": trading.MODIFY,
    "order.cancel": trading.CANCEL,
    "order.status": trading.QUERY,
    "algoOrder.place": algo_service.PLACE,
    "algoOrder.cancel": algo_service.CANCEL,
    "account.balance": accounts.BALANCES,
    "v2/account.balance": accounts.BALANCES,
    "account.status": accounts.ACCOUNT_V2,
    "v2/account.status": accounts.ACCOUNT,
    "account.position": accounts.POSITIONS_V2,
    "v2/account.position": accounts.POSITIONS,
    "userDataStream.start": listen_keys.START,
    "userDataStream.ping": listen_keys.KEEP,
    "userDataStream.stop": listen_keys.STOP,
}


class PerpApiPeer(ApiPeer[PerpState]):
    """One connection to ``/ws-fapi/v1``."""
