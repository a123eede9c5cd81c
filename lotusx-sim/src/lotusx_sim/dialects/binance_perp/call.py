"""One request to the futures venue."""

from lotusx_sim.dialects.binance.call import CallOn, OperationOn
from lotusx_sim.dialects.binance_perp.state import PerpState

Call = CallOn[PerpState]
Operation = OperationOn[PerpState]
