"""Where a simulated venue meets its clients: real sockets, or memory under virtual time."""
