"""All I/O of the core: sockets, and what keeps them alive."""
