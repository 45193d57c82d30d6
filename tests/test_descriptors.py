"""A server never accepts more connections than it may have files open."""

import subprocess
import sys

import pytest

SAYS = """
import resource, sys
from idp.descriptors import make_room
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(make_room(for_connections=1000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "room", "limit"),
    [(1024, 4096, 1000, 1300), (2048, 4096, 1000, 2048), (512, 1024, 724, 1024), (100, 200, 1, 200)],
)
def test_the_limit_is_raised_and_connections_stay_within_it(soft: int, hard: int, room: int, limit: int) -> None:
    command = [sys.executable, "-c", SAYS, str(soft), str(hard)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split() == [str(room), str(limit)]
