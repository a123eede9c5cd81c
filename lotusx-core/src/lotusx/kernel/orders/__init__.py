"""Orders, pure: how reports of one order merge, what this process knows, and how a command ends."""
