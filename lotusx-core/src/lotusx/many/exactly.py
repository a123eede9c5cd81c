"""Sums and products that are exact, or fail. Pure."""

from __future__ import annotations

from decimal import Clamped, Context, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow

EXACT = Context(prec=4_000, traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow])
"""Says so instead of rounding, whatever the caller's own context; no sum of holdings or price with a fee is as long."""
