def pytest_configure(config: object) -> None:
    """Keep the entry point importable."""
