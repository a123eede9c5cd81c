"""Simulated exchanges that speak each venue's real wire dialect.

>>> from lotusx_sim import BinanceSpot, Simulator
>>> sim = Simulator(BinanceSpot(seed=7))
>>> sim.open_order_ids()
[]

`serve` puts one on a port; `lotusx_sim.shells.memory.connect` puts one behind the core's transports, in process.
"""

from lotusx_sim.dialects.backpack import Backpack
from lotusx_sim.dialects.binance import ApiKey, BinanceSpot
from lotusx_sim.dialects.binance_perp import BinancePerp
from lotusx_sim.dialects.bybit import Bybit
from lotusx_sim.dialects.hyperliquid import Account, Hyperliquid
from lotusx_sim.dialects.okx import Okx
from lotusx_sim.faults import Effect, Fault
from lotusx_sim.shells.clock import LoopClock, ManualClock, WallClock
from lotusx_sim.shells.sockets import Server, serve
from lotusx_sim.simulator import Simulator

__all__ = [
    "Account",
    "ApiKey",
    "Backpack",
    "BinancePerp",
    "BinanceSpot",
    "Bybit",
    "Effect",
    "Fault",
    "Hyperliquid",
    "LoopClock",
    "ManualClock",
    "Okx",
    "Server",
    "Simulator",
    "WallClock",
    "serve",
]
