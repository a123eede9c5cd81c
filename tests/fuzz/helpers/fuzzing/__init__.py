"""Every decoder of a plugin, found by using it: what the simulated exchange said, and what read it."""
