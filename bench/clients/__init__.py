"""One module per library; each is run in that library's own environment."""
