"""Processes that are killed while they record, and files that may not grow."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import pytest
from recorder_kit import rows

from lotusx_recorder import Recording

PROGRAM = """
import resource, signal, sys, time
from pathlib import Path
from lotusx_recorder import Origin, ParquetSink
from lotusx_recorder.tables import FRAMES
from lotusx_recorder.writing import Writer

folder, flush_s, rotate_s, most_bytes = sys.argv[1], *map(float, sys.argv[2:])
if most_bytes:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), int(most_bytes)))
writer = Writer(ParquetSink(Path(folder), rotate_s=rotate_s), flush_s=flush_s, max_bytes=100_000)
writer.start(Origin("binance", "simulator", "1"))
number = 0
while True:
    heard_ns = time.time_ns()
    row = (number, heard_ns, "market", 1, "in", "k", "trades", f"{number * 7919 % 1000003}" * 5)
    writer.put(FRAMES, 1, 10, lambda row=row: [row])
    number += 1
    if number % 100 == 0:
        print(number, writer.counts()[FRAMES].written, writer.counts()[FRAMES].lost, repr(writer.problem), flush=True)
    time.sleep(0.0005)
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and rlimits are of Unix")]


def recording(folder: Path, flush_s: float, rotate_s: float, most_bytes: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder), str(flush_s), str(rotate_s), str(most_bytes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("flush_s", "rotate_s", "reads"), [(0.001, 0.05, 11), (0.001, 0.05, 23), (0.5, 1.0, 40)])
def test_kill_9_leaves_whole_files_and_loses_only_the_newest(
    tmp_path: Path, flush_s: float, rotate_s: float, reads: int
) -> None:
    with recording(tmp_path, flush_s, rotate_s) as process:
        guard = Timer(110, process.kill)
        guard.start()
        assert process.stdout is not None
        written = 0
        while written < 100 * reads:
            written = int(process.stdout.readline().split()[1])
        killed_ns = time.time_ns()
        process.kill()
        guard.cancel()

    found = rows(tmp_path, "frames")
    assert [row["seq"] for row in found] == list(range(len(found)))
    assert len(found) >= written
    assert len(list(Recording(tmp_path).frames())) == len(found)
    assert (killed_ns - found[-1]["received_ns"]) / 1e9 < flush_s + 10  # ten: for a machine that stands still


def test_a_disk_that_takes_no_more_is_a_clear_state_and_everything_before_stays(tmp_path: Path) -> None:
    with recording(tmp_path, 0.01, 60, 15_000) as process:
        guard = Timer(110, process.kill)
        guard.start()
        assert process.stdout is not None
        line = ["", "", "0"]
        while not int(line[2]):
            line = process.stdout.readline().split(maxsplit=3)
        process.kill()
        guard.cancel()

    found = rows(tmp_path, "frames")
    assert line[3].strip() == "'File too large'"
    assert len(found) == int(line[1]) > 0
