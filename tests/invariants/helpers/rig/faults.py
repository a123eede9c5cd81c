"""What can go wrong in a run. Each fault strikes, lasts, and ends by itself; the world heals what is left over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING

import anyio

from lotusx_sim import Simulator, faults as sim_faults

if TYPE_CHECKING:
    from rig.exchange import Pattern
    from rig.world import World

Strike = Callable[["World", Random], Awaitable[None]]
DETECTION_S = 15.0
"""Bound of I01: how long a dead peer may go unnoticed."""
RECOVERY_S = 10.0
"""Bound of I19, from the first attempt to connect that the network would let through."""
UNREADABLE_S = 30.0 + RECOVERY_S
"""After private messages that could not be read: what they said is asked for at most every 30 s."""
_ENDS: tuple[int | str, ...] = ("fin", "rst", 1000, 1001, 1008, 1011, 1012, 1013)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble.

    Attributes:
        weight: How often it is drawn, relative to the others.
        patience_s: How long the recovery may take, from the first connection that the network lets through.
        hits_reads: Whether what is asked to recover goes wrong too: the time counts from the end of that.
        shuts_out: Whether nothing may be sent for a while: that is added to the patience.
    """

    strike: Strike
    weight: int = 2
    patience_s: float = RECOVERY_S
    hits_reads: bool = False
    shuts_out: bool = False


def _between(rng: Random, low: float, high: float) -> float:
    return low + rng.random() * (high - low)


# --------------------------------------------------------------------------------------------------- connections


async def black_hole(world: World, rng: Random) -> None:
    """Swallow every byte in both directions; no goodbye, no reset."""
    world.wake_blocking_readers(True)
    await anyio.sleep(1.0)
    world.sim.black_hole()
    world.holes.append((world.now_ns(), world.sessions.live()))
    lasts_s = _between(rng, 18.0, 45.0)
    await anyio.sleep(DETECTION_S)
    until = anyio.current_time() + lasts_s - DETECTION_S
    while anyio.current_time() < until:
        world.read_in_the_dark()
        await anyio.sleep(1.0)
    world.sim.black_hole(False)


async def short_hole(world: World, rng: Random) -> None:
    """As `black_hole`, but over before anybody has to notice; what TCP could not repeat any more ends in a reset."""
    world.sim.black_hole()
    await anyio.sleep(_between(rng, 1.0, 12.0))
    world.sim.black_hole(False)
    world.sim.cut_connections("rst")


async def cut_all(world: World, rng: Random) -> None:
    """End every socket, a few times, in any way it can end."""
    await _cut(world, rng, "*")


async def cut_private(world: World, rng: Random) -> None:
    """End the sockets of the account."""
    await _cut(world, rng, world.exchange.private_sockets)


async def _cut(world: World, rng: Random, only: str) -> None:
    for _ in range(rng.randint(1, 3)):
        world.sim.cut_connections(rng.choice(_ENDS), only=only)
        await anyio.sleep(_between(rng, 0.0, 4.0))


async def cut_at_an_event(world: World, rng: Random) -> None:
    """End the sockets of the account right behind one of its messages, a few times."""
    left = [rng.randint(1, 6) for _ in range(rng.randint(1, 4))]

    def cut() -> None:
        world.sim.cut_connections(rng.choice(_ENDS), only=world.exchange.private_sockets)

    def count(topic: str) -> None:
        if fnmatchcase(topic, world.exchange.user_topic):
            left[0] -= 1
            if not left[0]:
                world.sim.later(0.0, cut)
                del left[0]
                if not left:
                    world.gate.on_message = None

    world.gate.on_message = count
    await anyio.sleep(_between(rng, 10.0, 25.0))


async def cut_while_subscribing(world: World, rng: Random) -> None:
    """End every socket, and again as soon as the client has sent so many messages on the new ones."""
    left = [rng.randint(1, 3) for _ in range(rng.randint(1, 3))]

    def cut() -> None:
        world.sim.cut_connections(rng.choice(_ENDS))

    def count() -> None:
        left[0] -= 1
        if left[0] <= 0:
            world.sim.later(0.0, cut)
            del left[0]
            if not left:
                world.gate.on_control = None

    world.gate.on_control = count
    world.sim.cut_connections(rng.choice(_ENDS))
    await anyio.sleep(_between(rng, 5.0, 15.0))


async def answers_lost(world: World, rng: Random) -> None:
    """End every socket; some answers to what the client sends then are lost."""
    world.gate.swallow = rng.randint(1, 3)
    world.sim.cut_connections(rng.choice(_ENDS))
    await anyio.sleep(_between(rng, 5.0, 15.0))


async def answers_doubled(world: World, rng: Random) -> None:
    """End every socket; some answers to what the client sends then come twice."""
    world.gate.double = rng.randint(1, 3)
    world.sim.cut_connections(rng.choice(_ENDS))
    await anyio.sleep(_between(rng, 2.0, 8.0))


async def unreachable(world: World, rng: Random) -> None:
    """End every socket and refuse new ones."""
    world.sim.refuse_connections()
    world.sim.cut_connections(rng.choice(_ENDS))
    await anyio.sleep(_between(rng, 3.0, 40.0))
    world.sim.refuse_connections(False)


async def account_subscription_ends(world: World, rng: Random) -> None:
    """The exchange ends the subscription of the account, the socket stays."""
    for _ in range(rng.randint(1, 2)):
        world.sim.expire_user_stream()
        await anyio.sleep(_between(rng, 0.0, 5.0))


async def account_subscription_refused(world: World, rng: Random) -> None:
    """End the sockets of the account; the exchange says no to the first attempts to subscribe again."""
    world.exchange.refuse_private_subscription(world.sim, rng.randint(1, 2))
    await _cut(world, rng, world.exchange.private_sockets)


# ------------------------------------------------------------------------------------------------------ requests


def _spoil(sim: Simulator, rng: Random, pattern: Pattern) -> None:
    """Let the next request of *pattern* go wrong in one of the ways in which a command can."""
    method, path = pattern
    ways: tuple[Callable[[], object], ...] = (
        lambda: sim.lose_reply_to(method, path, how="cut"),
        lambda: sim.lose_reply_to(method, path, how="reset"),
        lambda: sim.lose_reply_to(method, path, how="hang"),
        lambda: sim.lose_request(method, path, how="reset"),
        lambda: sim.lose_request(method, path, how="hang"),
        lambda: sim.html_502(method, path, executes=True),
        lambda: sim.html_502(method, path),
        lambda: sim.execute_but_time_out(method, path),
        lambda: sim.cut_json(method, path),
        lambda: sim.cut_json(method, path, how="http"),
        lambda: sim.delay(method, path, _between(rng, 0.1, 15.0)),
    )
    rng.choice(ways)()


async def commands_in_doubt(world: World, rng: Random) -> None:
    """Replies to commands are lost, replaced, cut, late; requests are lost."""
    exchange = world.exchange
    if rng.random() < 0.5:
        world.sim.delay_visibility(_between(rng, 0.2, 3.0))
    patterns = (*exchange.place, *exchange.place, *exchange.cancel, *exchange.amend)
    for _ in range(rng.randint(5, 15)):
        _spoil(world.sim, rng, rng.choice(patterns))
        await anyio.sleep(_between(rng, 0.2, 3.0))


async def reads_fail(world: World, rng: Random) -> None:
    """Answer reads with errors, pages of a gateway, and limits; end a socket meanwhile."""
    sim = world.sim
    for pattern in world.exchange.reads:
        way = rng.randrange(3)
        if way == 0:
            sim.refuse(*pattern, 503)
        elif way == 1:
            sim.html_502(*pattern, times=None)
        else:
            sim.answer(429, *pattern, retry_after=rng.randint(1, 3), times=3)
    sim.cut_connections(rng.choice(_ENDS))
    await anyio.sleep(_between(rng, 3.0, 15.0))


async def shut_out(world: World, rng: Random) -> None:
    """Answer a read with the page of a web application firewall while the account's sockets are being cut."""
    for pattern in world.exchange.reads:
        world.sim.refuse(*pattern, 403, "<html>WAF</html>", times=1)
    await _cut(world, rng, world.exchange.private_sockets)


# ------------------------------------------------------------------------------------------------------ messages


async def book_messages_spoilt(world: World, rng: Random) -> None:
    """Drop, repeat, swap, cut, delay and falsify book messages; one trouble at a time, so that each can be told."""
    sim, symbol = world.sim, world.exchange.venue_symbol(world.exchange.symbol)
    topic = world.sim.venue.depth_topic(symbol)
    for _ in range(rng.randint(4, 12)):
        ways: tuple[Callable[[], sim_faults.Fault], ...] = (
            lambda: sim.gap(symbol, times=rng.randint(1, 3)),
            lambda: sim.duplicate_next(topic, times=rng.randint(1, 3)),
            lambda: sim.reorder(topic),
            lambda: sim.cut_message(topic),
            lambda: sim.crossed_level(symbol),
            lambda: sim.delay_stream(topic, _between(rng, 0.05, 3.0), times=rng.randint(1, 3)),
        )
        trouble = rng.choice(ways)()
        await anyio.sleep(_between(rng, 0.1, 3.0))
        trouble.clear()


async def trade_messages_cut(world: World, rng: Random) -> None:
    """Cut public prints in the middle of their JSON."""
    for _ in range(rng.randint(2, 6)):
        world.sim.cut_message(world.exchange.trades_topic)
        await anyio.sleep(_between(rng, 0.5, 3.0))


async def account_messages_spoilt(world: World, rng: Random) -> None:
    """Repeat, swap and delay messages of the account."""
    sim, topic = world.sim, world.exchange.user_topic
    for _ in range(rng.randint(4, 12)):
        ways: tuple[Callable[[], object], ...] = (
            lambda: sim.duplicate_next(topic, times=rng.randint(1, 3)),
            lambda: sim.reorder(topic),
            lambda: sim.delay_stream(topic, _between(rng, 0.05, 4.0), times=rng.randint(1, 3)),
        )
        rng.choice(ways)()
        await anyio.sleep(_between(rng, 0.1, 3.0))


async def account_messages_cut(world: World, rng: Random) -> None:
    """Cut messages of the account in the middle of their JSON."""
    for _ in range(rng.randint(1, 3)):
        world.sim.cut_message(world.exchange.user_topic)
        await anyio.sleep(_between(rng, 0.5, 4.0))


async def everything_at_once(world: World, rng: Random) -> None:
    """Commands in doubt, spoilt messages and cut sockets together."""
    async with anyio.create_task_group() as tasks:
        for strike in (commands_in_doubt, book_messages_spoilt, account_messages_spoilt):
            tasks.start_soon(strike, world, rng)
        for _ in range(rng.randint(1, 4)):
            await anyio.sleep(_between(rng, 1.0, 5.0))
            world.sim.cut_connections(rng.choice(_ENDS), only=rng.choice(("*", world.exchange.private_sockets)))


async def nothing(world: World, rng: Random) -> None:
    """Let a while pass in peace."""
    await anyio.sleep(_between(rng, 10.0, 30.0))


async def stillness(world: World, rng: Random) -> None:
    """Let half an hour pass in which nobody does anything."""
    del rng
    world.fate.paused = world.trader.paused = True
    await anyio.sleep(1_800.0)


FAULTS: dict[str, Fault] = {
    "black hole": Fault(black_hole, 3),
    "short hole": Fault(short_hole, 1),
    "cut all": Fault(cut_all),
    "cut private": Fault(cut_private, 3),
    "cut at an event": Fault(cut_at_an_event),
    "cut while subscribing": Fault(cut_while_subscribing),
    "answers lost": Fault(answers_lost),
    "answers doubled": Fault(answers_doubled, 1),
    "unreachable": Fault(unreachable),
    "account subscription ends": Fault(account_subscription_ends),
    "account subscription refused": Fault(account_subscription_refused, 1),
    "commands in doubt": Fault(commands_in_doubt, 4),
    "reads fail": Fault(reads_fail, hits_reads=True),
    "shut out": Fault(shut_out, 1, hits_reads=True, shuts_out=True),
    "book messages spoilt": Fault(book_messages_spoilt, 3),
    "trade messages cut": Fault(trade_messages_cut, 1),
    "account messages spoilt": Fault(account_messages_spoilt),
    "account messages cut": Fault(account_messages_cut, 1, patience_s=UNREADABLE_S),
    "everything at once": Fault(everything_at_once, 3),
    "nothing": Fault(nothing, 1),
    "stillness": Fault(stillness, 0),
}
"""All of them, by the name under which a plan lists them."""
