"""The logger of the core's budgets, which these are."""

import logging

logger = logging.getLogger("lotusx.budgets")
