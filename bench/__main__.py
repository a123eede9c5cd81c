"""CPU per item of LotusX and its peers, each in its own environment, in interleaved runs.

    python -m bench [--rounds 5] [--rows 1,5,9a] [--table]

The first run makes the environments under ``bench/.envs``. What is measured is noted in ``bench/results.json``;
``--table`` writes ``bench/README.md`` from it.
"""

from __future__ import annotations

import argparse
import sys

from bench import page
from bench.measure import Result, measure
from bench.rows import ROWS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default="", help="numbers of the rows to measure, such as 1,9a (default: all)")
    parser.add_argument("--named", default="", help="only rows whose name contains this")
    parser.add_argument("--table", action="store_true", help="write bench/README.md")
    options = parser.parse_args()
    wanted = options.rows.split(",") if options.rows else [row.number for row in ROWS]
    failed = False
    results: dict[str, Result] = {}
    for row in ROWS:
        if row.number not in wanted or options.named not in row.name:
            continue
        try:
            if row.same_run:
                results = {name: result.of(row.figure) for name, result in results.items()}
            else:
                results = measure(row, options.rounds)
            noted = page.record(row, results, options.rounds)
        except SystemExit as error:  # the other rows can be measured all the same
            print(f"{row.number} {row.name}: {error}", file=sys.stderr, flush=True)
            failed = True
            continue
        print("\n".join(page.lines_of(row, noted)), flush=True)
    if options.table:
        page.write()
    sys.exit(failed)


if __name__ == "__main__":
    main()
