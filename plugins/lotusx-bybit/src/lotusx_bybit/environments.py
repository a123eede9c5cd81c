"""Where Bybit spot is reached."""

from __future__ import annotations

from types import MappingProxyType

from lotusx.plugin import Capability as C, Support
from lotusx_bybit.v5 import environments

_NO_BATCH = Support.not_offered("the same call once per order (this environment has batches of linear products only)")

ENVIRONMENTS = environments(
    {"market": "spot"},
    demo_lacks=MappingProxyType(dict.fromkeys((C.BATCH_ORDERS, C.BATCH_CANCEL, C.BATCH_AMEND), _NO_BATCH)),
)
