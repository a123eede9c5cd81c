"""Benchmarks as ratios against peers: ``python -m bench``."""
