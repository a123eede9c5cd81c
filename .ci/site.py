"""Hooks of the documentation site (mkdocs.yml)."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_page_markdown(markdown: str, page: Any, config: Any, **_: object) -> str:
    """Append to the index of decisions a list of them, so that nobody has to keep one."""
    if page.file.src_uri != "decisions/index.md":
        return markdown
    rows = []
    for file in sorted(Path(config["docs_dir"], "decisions").glob("[0-9]*.md")):
        title = next(line for line in file.read_text("utf-8").splitlines() if line.startswith("# "))
        rows.append(f"- [{title.removeprefix('# ')}]({file.name})")
    return "\n".join([markdown, "", *rows, ""])
