"""The invariants, one file each. A new one is a class here, and a broken variant in `rig.broken`."""

from __future__ import annotations

from rig.invariant import Invariant
from rig.invariants.i01_dead_peer import DeadPeer
from rig.invariants.i02_half_open import HalfOpen
from rig.invariants.i03_silent import SilentOrAlive
from rig.invariants.i04_subscriptions import Subscriptions
from rig.invariants.i05_reconnection import Polite
from rig.invariants.i06_rotation import Rotation
from rig.invariants.i07_fuzz import FuzzProof
from rig.invariants.i08_any_order import AnyOrder
from rig.invariants.i09_book import BookOrStale
from rig.invariants.i10_sane_book import SaneBook
from rig.invariants.i11_resync import LocalResync
from rig.invariants.i12_horizon import Horizon
from rig.invariants.i13_slow_consumers import OnlyItself
from rig.invariants.i14_counted import NothingUncounted
from rig.invariants.i15_one_order import OneOrder
from rig.invariants.i16_no_false_end import NoFalseEnd
from rig.invariants.i17_doubt_resolved import DoubtResolved
from rig.invariants.i18_fills import FillsOnce
from rig.invariants.i19_recovery import Recovery
from rig.invariants.i20_never_back import NeverBack
from rig.invariants.i21_limits import LimitsKept
from rig.invariants.i22_time import TimeHandled
from rig.invariants.i23_numbers import ExactNumbers
from rig.invariants.i24_shutdown import CleanEnd
from rig.invariants.i25_secrets import Secrets

INVARIANTS: tuple[type[Invariant], ...] = (
    DeadPeer, HalfOpen, SilentOrAlive, Subscriptions, Polite, Rotation, FuzzProof, AnyOrder, BookOrStale, SaneBook,
    LocalResync, Horizon, OnlyItself, NothingUncounted, OneOrder, NoFalseEnd, DoubtResolved, FillsOnce, Recovery,
    NeverBack, LimitsKept, TimeHandled, ExactNumbers, CleanEnd, Secrets,
)  # fmt: skip
"""All of them, in their order."""
