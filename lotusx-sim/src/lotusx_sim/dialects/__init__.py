"""One package per venue: its paths, field names, codes, headers and limits over the one engine."""
