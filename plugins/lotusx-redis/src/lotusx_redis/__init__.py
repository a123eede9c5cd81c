"""Limits and nonces that machines share over Redis."""

from lotusx_redis.budgets import RedisBudgets

__all__ = ["RedisBudgets"]
