"""``make fuzz``: the tests that invent their inputs, round after round, each with another seed.

FUZZ_MINUTES (10) says for how long. The seed of each round is printed; one that found something is added to
tests/fuzz_seeds.txt, and those stand at the beginning of every later run. Inputs that are known to be odd are in
tests/fuzz_corpus.py: the tests try them first, `make test` as well, and the guided part begins with them. Hypothesis
itself keeps, below .hypothesis/, the inputs that failed. Where atheris is installed (the extra « fuzz »), a fifth of
the time is guided by coverage; its corpus and the inputs that failed stay below var/fuzz/.
"""

import importlib.util
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("fuzz_seeds.txt")
# SAML responses, metadata, and every endpoint: by our own inventions and by those of the OpenAPI description.
TESTS = (
    "tests/saml/test_arbitrary_changes.py",
    "tests/saml/test_any_response.py",
    "tests/saml/test_any_metadata.py",
    "tests/openid/test_any_input.py",
    "tests/openid/test_any_token_input.py",
    "tests/web/test_any_request.py",
    "tests/web/test_any_page.py",
    "tests/web/test_openapi.py",
)


def main() -> int:
    seconds = 60 * float(os.environ.get("FUZZ_MINUTES", "10"))
    fine = _guided(int(seconds / 5))
    end = time.monotonic() + seconds * 4 / 5
    failed = [seed for seed in _seeds(end) if not _round(seed)]
    _keep(failed)
    return 0 if fine and not failed else 1


def _guided(seconds: int) -> bool:
    if not importlib.util.find_spec("atheris"):
        return True
    folder = ROOT / "var" / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=9000", "-verbosity=0", str(folder / "corpus")]
    command = [sys.executable, "-m", "tests.guided_fuzz", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode == 0


def _seeds(end: float) -> Iterator[int]:
    yield from _kept()
    while time.monotonic() < end:
        yield secrets.randbelow(1 << 32)


def _round(seed: int) -> bool:
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    examples = {"FUZZ_SEED": str(seed), "FUZZ_EXAMPLES": os.environ.get("FUZZ_EXAMPLES", "300")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", f"--hypothesis-seed={seed}", *TESTS]
    return subprocess.run(command, cwd=ROOT, env=os.environ | examples, check=False).returncode == 0


def _kept() -> list[int]:
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return [int(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]


def _keep(seeds: list[int]) -> None:
    new = [seed for seed in seeds if seed not in _kept()]
    if new:
        with KEPT.open("a") as file:
            file.writelines(f"{seed}  # found something on {time.strftime('%Y-%m-%d')}\n" for seed in new)


if __name__ == "__main__":
    sys.exit(main())
