"""Clocks of others."""

from datetime import timedelta
from typing import Final

# The clocks of universities and applications may differ from ours by so much: what they date up to two minutes ahead
# was made now.
CLOCK_SKEW: Final = timedelta(minutes=2)
