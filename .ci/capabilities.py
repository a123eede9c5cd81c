"""Write the table of capabilities into each exchange's page, from the plugin's facts.

python .ci/capabilities.py          write
python .ci/capabilities.py --check  fail if a page is not what would be written
"""

from __future__ import annotations

import sys

from distributions import ROOT

from lotusx.kernel.facts import Capability, Support
from lotusx.plugin.manager import PluginManager

BEGIN, END = "<!-- capabilities:begin -->\n", "<!-- capabilities:end -->"


def table(name: str) -> str:
    """Return the table of one exchange, in the order of `Capability`."""
    facts = PluginManager(name).facts
    rows = ["| capability | support | |", "|---|---|---|"]
    for capability in Capability:
        support = facts.capabilities.get(capability, Support.not_written())
        more = support.note or (f"instead: {support.instead}" if support.instead else "")
        rows.append(f"| {capability} | {support.level.replace('_', ' ')} | {more} |")
    return "\n".join(rows) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check the pages; return how many are out of date."""
    stale = 0
    for page in sorted((ROOT / "docs" / "exchanges").glob("*.md")):
        text = page.read_text("utf-8")
        if BEGIN not in text:
            continue  # a fact sheet, such as okx-facts.md
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        fresh = f"{head}{BEGIN}{table(page.stem)}{END}{tail}"
        if fresh != text and "--check" in arguments:
            print(f"{page.relative_to(ROOT)} is out of date: run python .ci/capabilities.py")
            stale += 1
        elif fresh != text:
            page.write_text(fresh, "utf-8")
    return stale


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
