"""What is entered before it can be used, and says so to whoever forgets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from types import TracebackType
from typing import Generic, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def entered(
    how: str,
) -> Callable[[Callable[P, AsyncIterator[T]]], Callable[P, AbstractAsyncContextManager[T]]]:
    """Make a context of a generator, as `asynccontextmanager` does; read or awaited, it says *how* to enter it."""

    def decorate(generator: Callable[P, AsyncIterator[T]]) -> Callable[P, AbstractAsyncContextManager[T]]:
        make = asynccontextmanager(generator)

        @wraps(generator)
        def call(*args: P.args, **kwargs: P.kwargs) -> AbstractAsyncContextManager[T]:
            return _Context(make(*args, **kwargs), how)

        return call

    return decorate


class _Context(AbstractAsyncContextManager[T], Generic[T]):
    def __init__(self, context: AbstractAsyncContextManager[T], how: str) -> None:
        self._context = context
        self._how = how

    async def __aenter__(self) -> T:
        return await self._context.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._context.__aexit__(kind, error, trace)

    def _refuse(self) -> NoReturn:
        raise TypeError(f"enter it first: {self._how}")

    __aiter__ = __await__ = __iter__ = _refuse
