"""The matching engine: pure and deterministic, knows no venue."""
