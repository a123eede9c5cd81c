"""Let a connection run for a long time among faults, and weigh it: ``python tests/invariants/soak.py --hours 24``.

Virtual time unless ``--sockets`` is given: then the simulated exchange runs in a process of its own, as busily as
``--rate`` says, for ``--minutes`` of real time. Prints a line of JSON per sample and one at the end; ends with 1 if
memory or the number of objects grew by more than 5 %, if counters do not add up or if fills are missing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from rig.lab import EXCHANGES
from rig.longrun import host, real, virtual


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--exchange", choices=sorted(EXCHANGES), action="append", help="all by default")
    parser.add_argument("--hours", type=float, default=24.0, help="of virtual time")
    parser.add_argument("--sockets", action="store_true", help="through sockets, in real time")
    parser.add_argument("--minutes", type=float, default=60.0, help="of real time")
    parser.add_argument("--rate", type=int, default=200, help="what the simulated market does in a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("LOTUSX_")]:
        del os.environ[name]  # settings of this machine
    chosen = arguments.exchange or list(EXCHANGES)
    if arguments.serve:
        anyio.run(host, chosen[0], arguments.rate, arguments.seed)
        return 0
    if arguments.sockets:
        settings = ["--rate", str(arguments.rate), "--seed", str(arguments.seed)]
        serving = [sys.executable, __file__, "--serve", *settings, "--exchange"]
        return max([real(name, arguments.minutes, arguments.seed, [*serving, name]) for name in chosen])
    return max([virtual(name, arguments.hours, arguments.seed) for name in chosen])


if __name__ == "__main__":
    raise SystemExit(main())
