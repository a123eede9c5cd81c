"""The kernel: what is the same at every exchange. Pure: no I/O library is imported here."""
