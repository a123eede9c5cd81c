"""A tamper-evident record of every order command, and its verifier."""

from lotusx_audit.log import AuditError, AuditLog
from lotusx_audit.plugin import Audit
from lotusx_audit.verifying import Verification, verify

__all__ = ["Audit", "AuditError", "AuditLog", "Verification", "verify"]
