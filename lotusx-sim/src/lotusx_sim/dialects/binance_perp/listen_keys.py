"""The lease of user data: a key lives 60 minutes from its last renewal. Source: "User data streams"."""

from typing import Any

from lotusx_sim.dialects.binance.call import Security
from lotusx_sim.dialects.binance_perp.call import Call, Operation
from lotusx_sim.dialects.binance_perp.errors import no_listen_key


def start(call: Call) -> dict[str, Any]:
    """Return the account's key: the one it has, while that lives."""
    return {"listenKey": call.state.lease(call.account, call.now_ns)}


def keep(call: Call) -> dict[str, Any]:
    if call.state.live_key(call.account, call.now_ns) is None:
        raise no_listen_key()
    return start(call)


def stop(call: Call) -> dict[str, Any]:
    """End the key, for everybody who uses it."""
    lease = call.state.live_key(call.account, call.now_ns)
    if lease is None:
        raise no_listen_key()
    del call.state.listen_keys[lease.key]
    return {}


START = Operation(start, (), 1, Security.KEY)
KEEP = Operation(keep, ("listenKey",), 1, Security.KEY)
STOP = Operation(stop, ("listenKey",), 1, Security.KEY)
