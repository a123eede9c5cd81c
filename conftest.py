"""What holds for every test of the repository."""

from __future__ import annotations

import gc
import signal

from hypothesis import settings

# A loaded machine makes an example slow; it does not make it wrong.
settings.register_profile("lotusx", deadline=None, print_blob=True)
settings.load_profile("lotusx")

# A simulated exchange is thousands of orders, and most tests have one of their own: with the usual threshold a quarter
# of the time goes into looking through them for garbage.
gc.set_threshold(50_000, 20, 50)

# A shell that starts a run in the background has it ignore Ctrl-C, and so would what the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
