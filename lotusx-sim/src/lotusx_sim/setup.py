"""Makes a venue out of command-line arguments and account files."""

import argparse
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lotusx_sim.dialects.binance import DEFAULT_KEY, ApiKey, BinanceSpot


class UsageError(Exception):
    """The command line, or a file it names, cannot be used."""


def make_venue(arguments: argparse.Namespace) -> BinanceSpot:
    """Return the venue that *arguments* describe.

    Raises:
        UsageError: Unknown symbol, unreadable account file, half a key pair.
    """
    keys, balances = _accounts(arguments)
    symbols = arguments.symbols.split(",") if arguments.symbols else None
    try:
        return BinanceSpot(
            seed=arguments.seed,
            keys=keys,
            balances=balances,
            symbols=symbols,
            actions_per_s=0 if arguments.quiet_market else 40,
            capture=arguments.capture,
            speed=arguments.speed,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


Accounts = tuple[list[ApiKey], Mapping[str, Mapping[str, Decimal]]]


def _accounts(arguments: argparse.Namespace) -> Accounts:
    if arguments.account is not None:
        return read_accounts(arguments.account)
    if (arguments.api_key is None) != (arguments.api_secret is None):
        raise UsageError("--api-key and --api-secret belong together")
    if arguments.api_key is None:
        return [DEFAULT_KEY], {}
    return [ApiKey(arguments.api_key, "main", arguments.api_secret)], {}


def read_accounts(path: Path) -> Accounts:
    """Read an account file: a JSON list of ``{"account", "api_key", "secret" | "public_key", "kind", "balances"}``."""
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        keys = [
            ApiKey(
                entry["api_key"],
                entry.get("account", "main"),
                entry["secret"] if "secret" in entry else entry["public_key"],
                kind=entry.get("kind", "hmac"),
                may_trade=entry.get("may_trade", True),
            )
            for entry in entries
        ]
        balances = {
            entry.get("account", "main"): {asset: Decimal(amount) for asset, amount in entry["balances"].items()}
            for entry in entries
            if "balances" in entry
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise UsageError(f"cannot read accounts from {path}: {type(error).__name__}: {error}") from None
    return keys, balances
