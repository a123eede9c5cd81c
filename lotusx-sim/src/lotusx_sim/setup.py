"""Makes a venue out of command-line arguments and account files."""

import argparse
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lotusx_sim.dialects import backpack, bybit, hyperliquid, okx
from lotusx_sim.dialects.binance import DEFAULT_KEY, ApiKey, BinanceSpot
from lotusx_sim.dialects.binance_perp import BinancePerp
from lotusx_sim.dialects.bybit import Bybit
from lotusx_sim.dialects.hyperliquid import DEFAULT_AGENT_KEY, DEFAULT_PRIVATE_KEY, Hyperliquid
from lotusx_sim.dialects.hyperliquid.signing import require_libraries
from lotusx_sim.venue import Venue


class UsageError(Exception):
    """The command line, or a file it names, cannot be used."""


def make_venue(arguments: argparse.Namespace) -> Venue:
    """Return the venue that *arguments* describe.

    Raises:
        UsageError: Unknown symbol, unreadable account file, half a key pair, an option of another venue.
    """
    try:
        if arguments.venue == "hyperliquid":
            return _hyperliquid(arguments)
        if arguments.venue == "bybit":
            return _bybit(arguments)
        if arguments.venue == "backpack":
            return _backpack(arguments)
        if arguments.venue == "okx":
            return _okx(arguments)
    except (ValueError, backpack.MissingLibrary, hyperliquid.MissingLibrary) as error:
        raise UsageError(str(error)) from None
    _refuse(arguments, "private_key", "network", "environment")
    if arguments.venue == "binance-perp":
        return _binance_perp(arguments)
    return _binance(arguments)


def _refuse(arguments: argparse.Namespace, *names: str) -> None:
    for name in names:
        if getattr(arguments, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} is not for --venue {arguments.venue}")


def _binance(arguments: argparse.Namespace) -> BinanceSpot:
    keys, balances = _accounts(arguments, DEFAULT_KEY)
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


def _binance_perp(arguments: argparse.Namespace) -> BinancePerp:
    _refuse(arguments, "capture")
    keys, balances = _accounts(arguments, DEFAULT_KEY)
    try:
        return BinancePerp(
            seed=arguments.seed,
            keys=keys,
            balances=balances,
            symbols=arguments.symbols.split(",") if arguments.symbols else None,
            actions_per_s=0 if arguments.quiet_market else 40,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


Accounts = tuple[list[ApiKey], Mapping[str, Mapping[str, Decimal]]]


def _accounts(arguments: argparse.Namespace, default: ApiKey) -> Accounts:
    if arguments.account is not None:
        return read_accounts(arguments.account)
    if (arguments.api_key is None) != (arguments.api_secret is None):
        raise UsageError("--api-key and --api-secret belong together")
    if arguments.api_key is None:
        return [default], {}
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


def _bybit(arguments: argparse.Namespace) -> Bybit:
    _refuse(arguments, "private_key", "network", "symbols")
    keys, balances = _accounts(arguments, bybit.DEFAULT_KEY)
    try:
        return Bybit(
            seed=arguments.seed,
            keys=keys,
            balances=balances,
            environment=arguments.environment or bybit.LIVE,
            actions_per_s=0 if arguments.quiet_market else 40,
            capture=arguments.capture,
            speed=arguments.speed,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _okx(arguments: argparse.Namespace) -> okx.Okx:
    _refuse(arguments, "private_key", "network", "environment", "symbols", "capture", "account")
    key = okx.DEFAULT_KEY
    if (arguments.api_key is None) != (arguments.api_secret is None):
        raise UsageError("--api-key and --api-secret belong together")
    if arguments.api_key is not None:
        key = okx.OkxKey(arguments.api_key, key.account, arguments.api_secret, key.passphrase)
    return okx.Okx(seed=arguments.seed, keys=(key,), actions_per_s=0 if arguments.quiet_market else 40)


# -- Backpack ----------------------------------------------------------------------------------------------------

BackpackAccounts = tuple[list[backpack.Key], Mapping[str, backpack.Amounts]]


def _backpack(arguments: argparse.Namespace) -> backpack.Backpack:
    _refuse(arguments, "private_key", "network", "environment", "symbols", "capture")
    backpack.require_libraries()
    keys: list[backpack.Key] = [backpack.DEFAULT_KEY]
    amounts: Mapping[str, backpack.Amounts] = {}
    if arguments.account is not None:
        keys, amounts = read_backpack_accounts(arguments.account)
    elif arguments.api_key is not None or arguments.api_secret is not None:
        keys = [backpack.Key(_backpack_key(arguments.api_key, arguments.api_secret))]
    return backpack.Backpack(
        seed=arguments.seed,
        keys=keys,
        balances=amounts.get("balances"),
        lent=amounts.get("lent"),
        actions_per_s=0 if arguments.quiet_market else 40,
    )


def _backpack_key(api_key: str | None, secret: str | None) -> str:
    """Return the public key: the one that is given, or the secret's own.

    Raises:
        ValueError: The two do not belong together.
    """
    of_secret = None if secret is None else backpack.public_key_of(secret)
    if api_key is not None and of_secret not in (None, api_key):
        raise ValueError("the API key is not the public key of the secret")
    return api_key or of_secret or ""


def read_backpack_accounts(path: Path) -> BackpackAccounts:
    """Read an account file: a JSON list of ``{"account", "api_key" | "secret", "may_trade", "balances", "lent"}``."""
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        keys = [
            backpack.Key(
                _backpack_key(entry.get("api_key"), entry["secret"] if "api_key" not in entry else entry.get("secret")),
                entry.get("account", "main"),
                may_trade=entry.get("may_trade", True),
            )
            for entry in entries
        ]
        amounts = {
            kind: {
                entry.get("account", "main"): {asset: Decimal(amount) for asset, amount in entry[kind].items()}
                for entry in entries
                if kind in entry
            }
            for kind in ("balances", "lent")
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise UsageError(f"cannot read accounts from {path}: {type(error).__name__}: {error}") from None
    return keys, amounts


# -- Hyperliquid -------------------------------------------------------------------------------------------------

HyperliquidAccounts = tuple[list[hyperliquid.Account], Mapping[str, hyperliquid.Wallets]]


def _hyperliquid(arguments: argparse.Namespace) -> Hyperliquid:
    _refuse(arguments, "api_key", "api_secret", "symbols", "environment")
    require_libraries()
    if arguments.account is not None:
        accounts, balances = read_hyperliquid_accounts(arguments.account)
    else:
        agents = () if arguments.private_key is not None else (DEFAULT_AGENT_KEY,)
        key = arguments.private_key or DEFAULT_PRIVATE_KEY
        accounts, balances = [hyperliquid.Account.of_key(key, agent_keys=agents)], {}
    try:
        return Hyperliquid(
            seed=arguments.seed,
            accounts=accounts,
            balances=balances,
            network=arguments.network or "mainnet",
            actions_per_s=0 if arguments.quiet_market else 40,
            capture=arguments.capture,
            speed=arguments.speed,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def read_hyperliquid_accounts(path: Path) -> HyperliquidAccounts:
    """Read an account file: a JSON list of objects.

    Each has ``private_key`` or ``address``, and may have ``account`` (its name), ``agents`` and ``sub_accounts``
    (addresses, the latter by name), ``volume``, ``abstraction`` and ``balances`` (by wallet, then token).
    """
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        accounts = [_hyperliquid_account(entry) for entry in entries]
        balances = {
            account.address: {
                wallet: {token: Decimal(amount) for token, amount in tokens.items()}
                for wallet, tokens in entry["balances"].items()
            }
            for account, entry in zip(accounts, entries, strict=True)
            if "balances" in entry
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise UsageError(f"cannot read accounts from {path}: {type(error).__name__}: {error}") from None
    return accounts, balances


def _hyperliquid_account(entry: Mapping[str, Any]) -> hyperliquid.Account:
    address = entry["address"] if "address" in entry else hyperliquid.address_of_key(entry["private_key"])
    return hyperliquid.Account(
        address.lower(),
        entry.get("account", "main"),
        agents=tuple(agent.lower() for agent in entry.get("agents", ())),
        sub_accounts=tuple(entry.get("sub_accounts", {}).items()),
        volume=Decimal(entry.get("volume", "0")),
        abstraction=entry.get("abstraction", "disabled"),
    )
