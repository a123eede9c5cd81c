"""``lotusx-sim serve``: a simulated exchange on a port of this machine."""

import argparse
import json
import signal
import ssl
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from lotusx_sim.setup import UsageError, make_venue
from lotusx_sim.shells.sockets import serve

_WS_APIS = {"binance": "/ws-api/v3", "binance-perp": "/ws-fapi/v1"}
_OVERVIEW = """\
Simulated crypto exchanges on this machine: a bot under test gets the paths, codes, signatures, limits and streams of
the real venue, and needs only another base URL.
"""
_FIRST_STEPS = """\
first steps:
  lotusx-sim serve                 serve Binance spot on a free port; the first line tells the addresses
  lotusx-sim serve --help          ports, accounts, market data, TLS
"""
_EXAMPLES = """\
examples:
  lotusx-sim serve --venue binance --port 9000
  lotusx-sim serve --venue binance --seed 7 --symbols BTCUSDT,ETHUSDT
  lotusx-sim serve --venue binance --capture recording.ndjson --speed 10
  lotusx-sim serve --venue binance-perp
  lotusx-sim serve --venue bybit --environment demo
  lotusx-sim serve --venue backpack
  lotusx-sim serve --venue okx
  lotusx-sim serve --venue hyperliquid
  lotusx-sim serve --venue hyperliquid --network testnet --private-key 0x...

The first line of output is JSON with base_url, ws_url, port and, for Binance, ws_api_url. Ctrl-C or SIGTERM ends it.

While it runs, from another terminal (BASE is base_url):
  curl -d '{"do": "html_502"}' $BASE/__sim__/faults
  curl -d '{"do": "trade", "with": {"symbol": "BTCUSDT", "side": "sell", "quantity": "1"}}' $BASE/__sim__/actions
  curl $BASE/__sim__/ledger
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(
        prog="lotusx-sim",
        description=_OVERVIEW,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"lotusx-sim {version('lotusx-sim')}")
    commands = top.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "serve",
        help="serve one simulated exchange until interrupted",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--venue",
        default="binance",
        choices=["backpack", "binance", "binance-perp", "bybit", "hyperliquid", "okx"],
        help="wire dialect (default: binance)",
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    command.add_argument("--port", type=_port, default=0, metavar="PORT", help="port (default: 0, a free one)")
    command.add_argument("--seed", type=int, default=1, help="decides prices, books and trades (default: 1)")
    command.add_argument("--symbols", help="comma-separated venue symbols to list (default: all built-in ones)")
    command.add_argument("--quiet-market", action="store_true", help="fixed books: nobody trades but you")
    command.add_argument("--capture", type=Path, metavar="FILE", help="replay recorded market data (.ndjson)")
    command.add_argument("--speed", type=float, default=1.0, help="how much faster than recorded (default: 1)")
    keys = command.add_argument_group("accounts (default: the key pair of the venue's published signing examples)")
    keys.add_argument("--api-key", help="API key of the account")
    keys.add_argument("--api-secret", help="its HMAC secret")
    keys.add_argument("--private-key", metavar="HEX", help="Hyperliquid: private key of the account")
    keys.add_argument("--network", choices=["mainnet", "testnet"], help="Hyperliquid: whose signatures count")
    keys.add_argument(
        "--environment", choices=["live", "testnet", "demo"], help="Bybit: what it offers (default: live)"
    )
    keys.add_argument("--account", type=Path, metavar="FILE", help="JSON: keys and balances, see the README")
    tls = command.add_argument_group("TLS")
    tls.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    tls.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    tls.add_argument("--tls-self-signed", action="store_true", help="make a certificate for localhost (keys extra)")
    return top


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return port


_port.__name__ = "port"  # what argparse calls it


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    arguments = parser().parse_args(argv)
    try:
        return anyio.run(serve_until_told, arguments)
    except UsageError as error:
        print(f"lotusx-sim: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = error.filename or f"{arguments.host}:{arguments.port}"
        print(f"lotusx-sim: cannot serve: {error.strerror or error} ({where})", file=sys.stderr)
        return 1


async def serve_until_told(
    arguments: argparse.Namespace, *, task_status: TaskStatus[dict[str, str | int]] = anyio.TASK_STATUS_IGNORED
) -> int:
    """Serve, print the addresses as one line of JSON, and return 0 after SIGINT or SIGTERM.

    As a task it starts with what it printed.
    """
    venue = make_venue(arguments)
    tls, certificate = _tls(arguments)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with serve(venue, host=arguments.host, port=arguments.port, tls=tls) as server:
            ready: dict[str, str | int] = {
                "venue": arguments.venue,
                "base_url": server.base_url,
                "ws_url": server.ws_url,
                "port": server.port,
            }
            if arguments.venue in _WS_APIS:
                ready["ws_api_url"] = server.ws_url + _WS_APIS[arguments.venue]
            if certificate:
                ready["certificate_pem"] = certificate
            print(json.dumps(ready), flush=True)
            task_status.started(ready)
            async for _ in signals:
                break
    return 0


def _tls(arguments: argparse.Namespace) -> tuple[ssl.SSLContext | None, str]:
    if arguments.tls_self_signed:
        from lotusx_sim.shells.self_signed import self_signed_context

        return self_signed_context()
    if arguments.tls_cert is None:
        return None, ""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    return context, ""


if __name__ == "__main__":
    sys.exit(main())
