"""The figures of docs/capacity.md: for who simulates without measuring first."""

from benchmarks.capacity.costs import Costs

MEASURED = Costs(
    hash=240.0,
    password=12.0,
    code=20.0,
    first_time=40.0,
    password_mongod=3.0,
    code_mongod=6.0,
    first_time_mongod=12.0,
    proof_bytes=10_000,
    sign_in_bytes=2_000,
)
