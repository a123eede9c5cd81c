"""What a failure means to whoever called the command: one sentence, the next step, an exit code."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lotusx.errors import LotusXError


class Exit(IntEnum):
    """Exit codes; documented in docs/cli.md."""

    OK = 0
    DEFECT = 1
    USAGE = 2
    CONFIGURATION = 3
    REFUSED = 4
    EXCHANGE = 5
    NETWORK = 6
    UNKNOWN_OUTCOME = 7
    CHECK_FAILED = 8
    INTERRUPTED = 130


def report(error: BaseException, *, as_json: bool = False) -> int:
    """Say what went wrong, on standard error; return the exit code."""
    from lotusx.errors import LotusXError

    cause = innermost(error)
    if isinstance(cause, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    if isinstance(cause, LotusXError):
        text, step, code = str(cause), next_step(cause), exit_code(cause)
    elif isinstance(cause, OSError):
        text, step, code = f"{cause.strerror or cause} ({cause.filename or type(cause).__name__})", "", Exit.REFUSED
    else:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
        text, step, code = (
            f"{type(cause).__name__}: {cause}",
            "This is a defect of LotusX; please report it.",
            Exit.DEFECT,
        )
    if as_json:
        print(json.dumps({"error": type(cause).__name__, "message": text, "next": step}), file=sys.stderr)
    else:
        print(f"error: {text}", file=sys.stderr)
        if step:
            print(f"next:  {step}", file=sys.stderr)
    return code


def misused(text: str, command: str) -> None:
    """Say as JSON that the command was not written as it should be; *command* may be empty."""
    step = f"{command or 'lotusx'} --help"
    print(json.dumps({"error": "UsageError", "message": text, "next": step}), file=sys.stderr)


def innermost(error: BaseException) -> BaseException:
    """Return what a task group wrapped, where it wrapped one error."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def exit_code(error: LotusXError) -> Exit:
    """Return the exit code of *error*."""
    from lotusx import errors

    kinds: tuple[tuple[type[LotusXError], Exit], ...] = (
        (errors.ConfigurationError, Exit.CONFIGURATION),
        (errors.RefusedBeforeSending, Exit.REFUSED),
        (errors.OrderOutcomeUnknown, Exit.UNKNOWN_OUTCOME),
        (errors.ExchangeError, Exit.EXCHANGE),
        (errors.TransportError, Exit.NETWORK),
        (errors.StreamError, Exit.NETWORK),
    )
    return next((code for kind, code in kinds if isinstance(error, kind)), Exit.DEFECT)


def next_step(error: LotusXError) -> str:
    """Return what to do about *error*, where its own text does not say so."""
    from lotusx import errors

    steps: tuple[tuple[type[LotusXError], str], ...] = (
        (errors.UnknownExchange, "lotusx exchanges shows what is installed"),
        (errors.ConfigurationError, "lotusx config check shows which settings hold, and where they come from"),
        (errors.UnknownSymbol, "lotusx markets --exchange NAME --search TEXT finds symbols"),
        (errors.NotSupported, "lotusx exchanges NAME shows what it offers"),
        (errors.OrderOutcomeUnknown, "lotusx orders --exchange NAME --symbol SYMBOL --client-order-id ID looks for it"),
        (errors.AuthenticationError, "lotusx check-keys --exchange NAME"),
        (errors.PermissionDenied, "lotusx check-keys --exchange NAME shows what the key may do"),
        (errors.TimestampSkew, "lotusx status --exchange NAME shows how far the clocks are apart"),
        (errors.TransportError, "lotusx doctor --exchange NAME looks for the reason"),
    )
    own: str = getattr(error, "next_step", "")  # of errors that commands make themselves
    if own:
        return own
    if isinstance(error, errors.UnknownExchange) and not error.near:
        from lotusx_cli.packages import how_to_install

        install = how_to_install(error.name)
        if install:
            return install
    if error.after_s:
        return f"wait {error.after_s:.0f} s before the next try"
    return next((step for kind, step in steps if isinstance(error, kind)), "")
