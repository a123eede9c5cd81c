"""Where Bybit's perpetuals are reached: linear and inverse have public streams of their own."""

from __future__ import annotations

from types import MappingProxyType

from lotusx.plugin import Capability as C, Support
from lotusx_bybit.v5 import environments

_LINEAR_ONLY = Support.partial(
    "linear instruments, 20 orders a request; inverse ones have no batches here", max_items=20, inverse=0
)

ENVIRONMENTS = environments(
    {"linear": "linear", "inverse": "inverse"},
    demo_lacks=MappingProxyType(
        {
            C.TEST_ORDER: Support.not_offered("environment='testnet'"),
            **dict.fromkeys((C.BATCH_ORDERS, C.BATCH_CANCEL, C.BATCH_AMEND), _LINEAR_ONLY),
        }
    ),
)
