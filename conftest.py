"""What holds for every test of the repository."""

from __future__ import annotations

from hypothesis import settings

# A loaded machine makes an example slow; it does not make it wrong.
settings.register_profile("lotusx", deadline=None, print_blob=True)
settings.load_profile("lotusx")
