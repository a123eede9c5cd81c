"""What Bybit's products have in common; public for `lotusx-bybit-perp`, which imports nothing else of this package.

Names are resolved when first used, so that a plugin's facts stay light. No module here is called like a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.lazy import lazily

if TYPE_CHECKING:
    from lotusx_bybit.v5.account import V5Account as V5Account
    from lotusx_bybit.v5.category import Category as Category
    from lotusx_bybit.v5.envelope import (
        Listing as Listing,
        Params as Params,
        Reply as Reply,
        encode_body as encode_body,
        reader as reader,
    )
    from lotusx_bybit.v5.facts import (
        CREDENTIALS as CREDENTIALS,
        DERIVATIVES as DERIVATIVES,
        HORIZON_S as HORIZON_S,
        OPTIONS as OPTIONS,
        RECEIVE_WINDOW_MS as RECEIVE_WINDOW_MS,
        TIMESTAMP_MARGIN_MS as TIMESTAMP_MARGIN_MS,
        capabilities as capabilities,
        limits as limits,
        ws_facts as ws_facts,
    )
    from lotusx_bybit.v5.hooks import (
        lotusx_codecs as lotusx_codecs,
        lotusx_rest_dialect as lotusx_rest_dialect,
        lotusx_signer as lotusx_signer,
    )
    from lotusx_bybit.v5.listed import Listed as Listed
    from lotusx_bybit.v5.native import BybitNative as BybitNative
    from lotusx_bybit.v5.order_reads import Executed as Executed, executions_of as executions_of
    from lotusx_bybit.v5.pieces import Rows as Rows, everything as everything, piece as piece
    from lotusx_bybit.v5.public_data import (
        MergedTicker as MergedTicker,
        V5MarketData as V5MarketData,
        first_ms as first_ms,
        last_ms as last_ms,
    )
    from lotusx_bybit.v5.quotas import Quotas as Quotas
    from lotusx_bybit.v5.signer import V5Signer as V5Signer, signer_from as signer_from
    from lotusx_bybit.v5.sites import environments as environments
    from lotusx_bybit.v5.trading import V5Trading as V5Trading

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        ".account": "V5Account",
        ".category": "Category",
        ".envelope": "Listing Params Reply encode_body reader",
        ".facts": "CREDENTIALS DERIVATIVES HORIZON_S OPTIONS RECEIVE_WINDOW_MS TIMESTAMP_MARGIN_MS capabilities "
        "limits ws_facts",
        ".hooks": "lotusx_codecs lotusx_rest_dialect lotusx_signer",
        ".listed": "Listed",
        ".native": "BybitNative",
        ".order_reads": "Executed executions_of",
        ".pieces": "Rows everything piece",
        ".public_data": "MergedTicker V5MarketData first_ms last_ms",
        ".quotas": "Quotas",
        ".signer": "V5Signer signer_from",
        ".sites": "environments",
        ".trading": "V5Trading",
    },
)
