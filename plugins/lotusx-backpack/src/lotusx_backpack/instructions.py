"""The word that names each signed call. It is part of what is signed, and of nothing else.

Source: the exchange's OpenAPI document (2026-08), complete; calls without an entry cannot be signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SUBSCRIBE = "subscribe"
"""Private streams, subscribed or ended."""

INSTRUCTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("GET", "/api/v1/account"): "accountQuery",
        ("PATCH", "/api/v1/account"): "accountUpdate",
        ("POST", "/api/v1/account/convertDust"): "convertDust",
        ("GET", "/api/v1/account/limits/borrow"): "maxBorrowQuantity",
        ("GET", "/api/v1/account/limits/order"): "maxOrderQuantity",
        ("GET", "/api/v1/account/limits/withdrawal"): "maxWithdrawalQuantity",
        ("GET", "/api/v1/borrowLend/positions"): "borrowLendPositionQuery",
        ("POST", "/api/v1/borrowLend"): "borrowLendExecute",
        ("GET", "/api/v1/capital"): "balanceQuery",
        ("GET", "/api/v1/capital/collateral"): "collateralQuery",
        ("GET", "/wapi/v1/capital/deposits"): "depositQueryAll",
        ("GET", "/wapi/v1/capital/deposit/address"): "depositAddressQuery",
        ("GET", "/wapi/v1/capital/withdrawals"): "withdrawalQueryAll",
        ("POST", "/wapi/v1/capital/withdrawals"): "withdraw",
        ("GET", "/api/v1/order"): "orderQuery",
        ("POST", "/api/v1/order"): "orderExecute",
        ("DELETE", "/api/v1/order"): "orderCancel",
        ("GET", "/api/v1/orders"): "orderQueryAll",
        ("POST", "/api/v1/orders"): "orderExecute",  # once per order of the batch
        ("DELETE", "/api/v1/orders"): "orderCancelAll",
        ("GET", "/api/v1/position"): "positionQuery",
        ("GET", "/wapi/v1/history/orders"): "orderHistoryQueryAll",
        ("GET", "/wapi/v1/history/fills"): "fillHistoryQueryAll",
        ("GET", "/wapi/v1/history/funding"): "fundingHistoryQueryAll",
        ("GET", "/wapi/v1/history/position"): "positionHistoryQueryAll",
        ("GET", "/wapi/v1/history/settlement"): "settlementHistoryQueryAll",
        ("GET", "/wapi/v1/history/interest"): "interestHistoryQueryAll",
        ("GET", "/wapi/v1/history/borrowLend"): "borrowHistoryQueryAll",
        ("GET", "/wapi/v1/history/borrowLend/positions"): "borrowPositionHistoryQueryAll",
        ("GET", "/wapi/v1/history/dust"): "dustHistoryQueryAll",
        ("GET", "/wapi/v1/history/strategies"): "strategyHistoryQueryAll",
        ("POST", "/api/v1/strategy"): "strategyCreate",
        ("GET", "/api/v1/strategy"): "strategyQuery",
        ("DELETE", "/api/v1/strategy"): "strategyCancel",
        ("GET", "/api/v1/strategies"): "strategyQueryAll",
        ("DELETE", "/api/v1/strategies"): "strategyCancelAll",
        ("POST", "/api/v1/rfq"): "rfqSubmit",
        ("POST", "/api/v1/rfq/quote"): "quoteSubmit",
        ("POST", "/api/v1/rfq/accept"): "quoteAccept",
        ("POST", "/api/v1/rfq/refresh"): "rfqRefresh",
        ("POST", "/api/v1/rfq/cancel"): "rfqCancel",
        ("GET", "/api/v1/rfqs"): "rfqQuery",
        ("GET", "/wapi/v1/history/rfq"): "rfqHistoryQueryAll",
        ("GET", "/wapi/v1/history/quote"): "quoteHistoryQueryAll",
        ("GET", "/wapi/v1/history/rfq/fill"): "rfqFillHistoryQueryAll",
        ("GET", "/wapi/v1/history/quote/fill"): "quoteFillHistoryQueryAll",
        ("POST", "/api/v1/vault/redeem"): "vaultRedeemRequest",
        ("DELETE", "/api/v1/vault/redeem"): "vaultRedeemCancel",
        ("POST", "/api/v1/vault/mint"): "vaultMint",
        ("GET", "/api/v1/vault/redeems/pending"): "vaultPendingRedeemsQuery",
        ("GET", "/api/v1/vault/nav"): "vaultNavQuery",
    }
)
"""Method and path → instruction."""
