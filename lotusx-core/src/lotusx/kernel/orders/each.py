"""Cancelling everything where that takes several requests: none waits for the success of another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from lotusx.errors import LotusXError, OrderNotFound, PartialFailure

_NAMED = 5


async def cancel_each(exchange: str, steps: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
    """Cancel all orders step by step, by the name of what a step cancels, such as a symbol.

    A step that fails does not keep the others from being done. One that finds nothing to cancel has succeeded.

    Raises:
        LotusXError: No step could be done; one that may have been carried out all the same is preferred.
        PartialFailure: Some could not; ``details`` has their errors by name.
    """
    failed: dict[str, Exception] = {}
    for name, step in steps.items():
        try:
            await step()
        except OrderNotFound:
            continue
        except LotusXError as error:
            failed[name] = error
    raise_failed(exchange, failed, [name for name in steps if name not in failed])


def raise_failed(exchange: str, failed: Mapping[str, Exception], done: Sequence[str]) -> None:
    """Raise what `cancel_each` does, where it is known which steps *failed* and which are *done*.

    An error that does not say whether the exchange may have acted leaves that in doubt.
    """
    if not failed:
        return
    in_doubt = [error for error in failed.values() if getattr(error, "may_have_executed", True)]
    first = next(iter([*in_doubt, *failed.values()]))
    if not done:
        raise first
    text = f"of {_some(list(failed))} not all orders were cancelled; those of {_some(done)} were; reason: {first}"
    code = getattr(first, "code", type(first).__name__)
    raise PartialFailure(exchange, code, text, may_have_executed=bool(in_doubt), details=dict(failed)) from first


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
