"""binance-sdk-derivatives-trading-usds-futures, Binance's official SDK: its typed models read every reply."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import API_KEY, API_SECRET, Served, peer, serving

DISTRIBUTION = "binance-sdk-derivatives-trading-usds-futures"
um = peer(DISTRIBUTION, "binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures")
errors = peer(DISTRIBUTION, "binance_common.errors")

BTC = "BTCUSDT"
TIMEOUT_MS = 15_000  # its default of one second is short for a busy machine


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("binance-perp") as served:
        yield served


@pytest.fixture
def rest(sim: Served) -> Any:
    config = um.ConfigurationRestAPI(api_key=API_KEY, api_secret=API_SECRET, base_path=sim.base_url, timeout=TIMEOUT_MS)
    return um.DerivativesTradingUsdsFutures(config_rest_api=config).rest_api


def test_market_data(rest: Any) -> None:
    depth = rest.order_book(BTC, limit=5).data()
    rates = rest.get_funding_rate_history(symbol=BTC, limit=2).data()
    mark = rest.mark_price(BTC).data().actual_instance

    assert BTC in {row.symbol for row in rest.exchange_information().data().symbols}
    assert Decimal(depth.bids[0][0]) < Decimal(depth.asks[0][0])
    assert [row.rate_type for row in rates] == ["Regular", "Regular"]
    assert Decimal(mark.mark_price) > 0
    assert len(rest.kline_candlestick_data(BTC, "1m", limit=2).data()) == 2


def test_an_order_is_placed_changed_and_cancelled(rest: Any, sim: Served) -> None:
    rest.new_order(symbol=BTC, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=66000,
                   new_client_order_id="sdk-1")  # fmt: skip
    rest.modify_order(symbol=BTC, side="BUY", quantity=0.02, price=65000, orig_client_order_id="sdk-1")
    found = rest.query_order(BTC, orig_client_order_id="sdk-1").data()
    rest.cancel_order(BTC, orig_client_order_id="sdk-1")

    assert (found.orig_qty, found.price) == ("0.020", "65000.0")
    assert sim.state("sdk-1")[0] == "CANCELED"


def test_a_conditional_order_has_endpoints_of_its_own(rest: Any) -> None:
    rest.new_algo_order(algo_type="CONDITIONAL", symbol=BTC, side="SELL", type="STOP_MARKET", quantity=0.01,
                        trigger_price=60000, client_algo_id="sdk-2")  # fmt: skip

    assert rest.query_algo_order(client_algo_id="sdk-2").data().algo_status == "NEW"
    assert [row.client_algo_id for row in rest.current_all_algo_open_orders().data()] == ["sdk-2"]
    assert rest.cancel_algo_order(client_algo_id="sdk-2").data().code == "200"


def test_a_position_and_its_account(rest: Any) -> None:
    rest.change_initial_leverage(BTC, 5)
    rest.new_order(symbol=BTC, side="BUY", type="MARKET", quantity=0.01)
    (position,) = rest.position_information_v3(symbol=BTC).data()

    assert position.position_amt == "0.010"
    assert rest.futures_account_balance_v3().data()[0].asset == "USDT"
    assert Decimal(rest.account_information_v3().data().total_wallet_balance) < 100_000
    assert rest.account_trade_list(symbol=BTC).data()[0].commission_asset == "USDT"
    assert {row.income_type for row in rest.get_income_history().data()} == {"COMMISSION"}
    with pytest.raises(errors.BadRequestError, match="-4048"):
        rest.change_margin_type(BTC, "ISOLATED")
