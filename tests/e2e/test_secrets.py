"""Keys, secrets and signatures show up nowhere: not in logs at DEBUG, not in errors, not in any repr."""

from __future__ import annotations

import base64
import logging
import pickle
import re
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import anyio
import pytest
from e2e_kit import BTC, CANCEL, PLACE, Connect, limit_buy, market_buy, until

import lotusx
from lotusx_sim import ApiKey, BinanceSpot, Simulator

pytestmark = pytest.mark.anyio
KEY = "CanaryKey" + "k1" * 27 + "x"
SECRET = "CanarySecret/+" + "s2" * 25
SIGNATURE = re.compile(r"signature[\"']?\s*[=:]\s*[\"']?(?!\*|<|…|\[)[0-9a-zA-Z%+/]{16,}")


@pytest.fixture
def sim() -> Simulator:
    return Simulator(BinanceSpot(seed=7, actions_per_s=0, keys=[ApiKey(KEY, "main", SECRET)]))


def forms(text: str) -> list[str]:
    raw = text.encode()
    return [text, quote(text, safe=""), raw.hex(), base64.b64encode(raw).decode(), repr(text)[1:-1], text[:24]]


async def fail_in_every_way(exchange: lotusx.Exchange, sim: Simulator) -> list[BaseException]:
    errors: list[BaseException] = []

    async def expect(what: Awaitable[object]) -> None:
        try:
            with anyio.fail_after(20):
                await what
        except Exception as error:
            errors.append(error)

    trading = exchange.trading
    await expect(exchange.account.balances())
    scripts: tuple[Callable[[], object], ...] = (
        lambda: sim.lose_reply_to(*PLACE, how="reset"),
        lambda: sim.html_502(*PLACE, executes=True),
        lambda: sim.execute_but_time_out(*PLACE),
        lambda: sim.cut_json(*PLACE),
        lambda: sim.refuse(*PLACE, 400, {"code": -1022, "msg": "Signature for this request is not valid."}, times=1),
        lambda: sim.answer(429, *PLACE, retry_after=0),
        lambda: sim.refuse(*PLACE, 403, "<html>WAF</html>", times=1),
    )
    for number, script in enumerate(scripts):
        script()
        await expect(trading.place(limit_buy(f"a-{number}")))
    sim.heal()
    await expect(trading.place(limit_buy("poor", quantity="1000")))
    await expect(trading.cancel(BTC, client_order_id="never"))
    sim.lose_reply_to(*CANCEL, how="reset")
    await expect(trading.cancel(BTC, client_order_id="a-0"))
    sim.refuse("GET", "/api/v3/account", 500, KEY + SECRET, times=1)  # an exchange that echoes what it got
    await expect(exchange.native.call("GET", "/api/v3/account", {}, signed=True, weight=20))
    return errors


async def test_no_key_no_secret_and_no_signature_leaks_through_failures(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = {"api_key": KEY, "api_secret": SECRET}
    async with connect(credentials=credentials) as exchange, exchange.account.stream_account() as stream:
        await exchange.trading.place(market_buy("m-1"))
        sim.cut_connections("rst")
        await until(lambda: sim.ws_connections)
        seen = [repr(stream), repr(exchange), repr(exchange.stats()), repr(exchange.native)]
        errors = await fail_in_every_way(exchange, sim)
        seen += [repr(await exchange.health_check()), repr(vars(exchange)), repr(exchange.trading.__dict__)]
    assert errors
    for error in errors:
        seen += [str(error), repr(error), repr(vars(error)), repr(error.args), repr(pickle.dumps(error))]
        seen += traceback.format_exception(error)
    seen += [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    text = "\n".join(seen)
    for secret in (SECRET, KEY):
        assert [form for form in forms(secret) if form in text] == []
    assert SIGNATURE.findall(text) == []


async def test_no_secret_leaks_through_the_websocket_api(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    settings = {"credentials": {"api_key": KEY, "api_secret": SECRET}, "options": {"order_entry": "ws"}}
    async with connect(**settings) as exchange:
        await exchange.trading.ready()
        for name, script in (
            ("w-1", lambda: sim.lose_reply_to("WS", "order.place", how="reset")),
            ("w-2", lambda: sim.cut_connections("rst")),
            ("w-3", lambda: None),
        ):
            script()
            try:
                with anyio.fail_after(20):
                    seen.append(repr(await exchange.trading.place(limit_buy(name, quantity="0.001"))))
            except lotusx.LotusXError as error:
                seen += [*traceback.format_exception(error), repr(vars(error))]
    text = "\n".join([*seen, caplog.text, *(repr(vars(record)) for record in caplog.records)])
    for secret in (SECRET, KEY):
        assert [form for form in forms(secret) if form in text] == []
    assert SIGNATURE.findall(text) == []
    assert len(sim.order_ids()) == len(set(sim.order_ids()))


def test_a_configuration_error_never_shows_a_value() -> None:
    with pytest.raises(lotusx.LotusXError) as caught:
        lotusx.connect("binance", credentials={"api_key": KEY, "private_key": SECRET, "api_secret": SECRET})
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(vars(caught.value))
