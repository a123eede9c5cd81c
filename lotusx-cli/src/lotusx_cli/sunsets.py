"""What the ends of endpoints that plugins know of mean today."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lotusx.plugin import ExchangeFacts, Sunset

SOON_DAYS = 60
"""An end of something in use that is nearer than this is a problem already."""
OLD_DAYS = 180
"""Exchanges announce ends a few months ahead: what is known of their notices must not be older."""


def judge(facts: ExchangeFacts, today: date) -> list[tuple[str, str]]:
    """Return result (``ok``, ``failed``, ``not_checked``) and detail of each thing that is to be said."""
    found = [_used(item, today) for item in facts.sunsets if item.used]
    if not any(result == "failed" for result, _ in found):
        found.append(_none_soon(facts, today))
    return found


def ended(facts: ExchangeFacts, path: str, today: date) -> str:
    """Say that *path* has ended or will; empty: nothing of that is known."""
    return next((said(item, today) for item in facts.sunsets if fnmatchcase(path, item.what)), "")


def said(item: Sunset, today: date) -> str:
    """Return the end of something in words."""
    days = (item.on - today).days
    when = f"ends on {item.on}, in {days} days" if days > 0 else f"ended on {item.on}"
    return f"{item.what} {when}" + (f"; instead: {item.instead}" if item.instead else "")


def _used(item: Sunset, today: date) -> tuple[str, str]:
    near = (item.on - today).days <= SOON_DAYS
    advice = "; the plugin still uses it: look for a newer version of it" if near else ""
    return "failed" if near else "ok", said(item, today) + advice


def _none_soon(facts: ExchangeFacts, today: date) -> tuple[str, str]:
    if facts.as_of is None:
        return "not_checked", "the plugin does not say up to which day it knows of announced ends"
    age = (today - facts.as_of).days
    others = [said(item, today) for item in facts.sunsets if not item.used]
    known = f"nothing in use ends within {SOON_DAYS} days, as of {facts.as_of}"
    if others:
        known += f". Not in use: {'. '.join(others)}"
    if age > OLD_DAYS:
        return "not_checked", f"{known}. That is {age} days ago: look for a newer version of the plugin"
    return "ok", known
