"""Clocks of others."""

from datetime import timedelta
from typing import Final

# Clocks of universities and applications may be this far from ours: a statement that was made so long after now, as its
# maker's clock has it, was made now.
CLOCK_SKEW: Final = timedelta(minutes=2)
