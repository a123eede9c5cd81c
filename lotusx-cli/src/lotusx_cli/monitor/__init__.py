"""`lotusx monitor`: what is followed, how it is drawn, and the two places where it is shown."""
