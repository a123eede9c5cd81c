"""Order books, pure: the ladder of levels and the machines that keep it in step with the exchange."""
