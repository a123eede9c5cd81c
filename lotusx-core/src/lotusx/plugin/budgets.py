"""What an author needs of whatever counts limits elsewhere, for other machines (entry points in ``lotusx.budgets``)."""

from lotusx.kernel.budget import BudgetRegistry
from lotusx.kernel.counts import Asked, CommonCount, Hold, Ledger, Ticket
from lotusx.kernel.ledger_document import LedgerDocument, Window
from lotusx.kernel.nonce import NonceAllocator
from lotusx.kernel.windows import RollingWindow

__all__ = [
    "Asked", "BudgetRegistry", "CommonCount", "Hold", "Ledger", "LedgerDocument", "NonceAllocator",
    "RollingWindow", "Ticket", "Window",
]  # fmt: skip
