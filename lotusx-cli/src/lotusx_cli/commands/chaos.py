"""A bad network on purpose, in front of any address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from lotusx_cli.connecting import listening, run
from lotusx_cli.mischief import Kind, Step, begin, first, script
from lotusx_cli.options import with_output
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lotusx_sim.fault_proxy import FaultProxy

    _Type = click.ParamType[tuple[str, int]]
else:
    _Type = click.ParamType  # subscripted from click 8.5 on only

_COLUMNS = ["at_s", "what", "for_s", "connections", "detail"]
_TARGET = re.compile(r"(?:(?P<scheme>https?|wss?)://)?(?P<host>\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+)(?::(?P<port>\d+))?/*")
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_REACH_S = 10.0


class _Address(_Type):
    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        found = _TARGET.fullmatch(str(value))
        port = int(found["port"] or _PORTS.get(found["scheme"] or "", 0)) if found else 0
        if found is None or not 0 < port < 65_536:
            self.fail(f"{value!r} is no HOST:PORT and no address such as http://127.0.0.1:9000", param, ctx)
        return found["host"].strip("[]"), port


@click.command()
@click.argument("target", type=_Address(), metavar="TARGET")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to listen on.  [default: a free one]")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides which fault happens when.")
@click.option("--every", "every_s", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True,
              help="Seconds from the end of a fault to the next; half to one and a half of it.")  # fmt: skip
@click.option("--hold", "hold_s", type=click.FloatRange(0, min_open=True), default=3.0, show_default=True,
              help="Seconds for which a fault that lasts does so, likewise.")  # fmt: skip
@click.option("--fault", "-f", "kinds", type=click.Choice([kind.value for kind in Kind]), multiple=True,
              help="Only these; repeat it for several.")  # fmt: skip
@click.option("--count", type=click.IntRange(1), help="End after so many faults.")
@click.option("--show", is_flag=True, help="Only show what would happen; with --count how much of it.")
@with_output
def chaos(
    target: tuple[str, int],
    host: str,
    port: int,
    seed: int,
    every_s: float,
    hold_s: float,
    kinds: tuple[str, ...],
    count: int | None,
    show: bool,
    out: Out,
) -> None:
    """Stand in front of TARGET, such as 127.0.0.1:9000, and break connections. Needs lotusx-cli[sim].

    Programs connect to the address in the first line instead. Bytes pass unread, TLS too: there the certificate is
    still the target's. Ctrl-C ends it.
    """
    try:
        from lotusx_sim.fault_proxy import fault_proxy
    except ImportError:
        raise click.UsageError('the proxy is not installed: pip install "lotusx-cli[sim]"') from None
    steps = script(seed, every_s=every_s, hold_s=hold_s, kinds=[Kind(kind) for kind in kinds])
    if show:
        for step in first(count or 20, steps):
            out.event(_told(step, None), _COLUMNS)
        return

    async def stand() -> None:
        await _reach(*target)
        async with listening(fault_proxy(*target, host=host, port=port), host, port) as proxy:
            where = f"http://{proxy.authority} instead of {':'.join(map(str, target))}"
            await until_told(out, proxy, first(count, steps), where)

    run(stand)


async def until_told(out: Out, proxy: FaultProxy, steps: Iterator[Step], where: str) -> None:
    """Say *where* to connect and let *steps* happen, each in its time, until their end or an interruption."""
    import signal

    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:

            async def listen() -> None:
                async for _ in signals:
                    tasks.cancel_scope.cancel()

            tasks.start_soon(listen)
            out.event({"at_s": 0.0, "what": "listening", "detail": where}, _COLUMNS)
            await _happen(out, proxy, steps)
            tasks.cancel_scope.cancel()
    out.note(f"{proxy.connections} connections, {proxy.to_client} bytes to clients, {proxy.to_target} to the target")


async def _happen(out: Out, proxy: FaultProxy, steps: Iterator[Step]) -> None:
    import anyio

    begun = anyio.current_time()
    for step in steps:
        await anyio.sleep_until(begun + step.at_s)
        out.event(_told(step, proxy.live), _COLUMNS)
        await begin(proxy, step)
        if step.for_s:
            await anyio.sleep(step.for_s)
            proxy.heal()
            at_s = round(step.at_s + step.for_s, 3)
            out.event({"at_s": at_s, "what": "healed", "connections": proxy.live}, _COLUMNS)


def _told(step: Step, connections: int | None) -> dict[str, object]:
    lasts = step.for_s or None
    return {
        "at_s": step.at_s, "what": step.kind, "for_s": lasts, "connections": connections, "detail": step.meaning,
    }  # fmt: skip


async def _reach(host: str, port: int) -> None:
    """Connect once, so that a wrong address is an error now.

    Raises:
        ConnectionFailed: Nobody answers there.
    """
    import anyio

    from lotusx.errors import ConnectionFailed

    class NothingThere(ConnectionFailed):
        next_step = "start it first, for example: lotusx sim serve --port 9000"

    try:
        with anyio.fail_after(_REACH_S):
            stream = await anyio.connect_tcp(host, port)
    except (OSError, TimeoutError) as error:
        raise NothingThere(f"{host}:{port} cannot be reached ({str(error) or 'no answer'})") from error
    await stream.aclose()
