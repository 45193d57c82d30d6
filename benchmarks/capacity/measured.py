"""The figures of docs/capacity.md: for who simulates without measuring first."""

from benchmarks.capacity.costs import Costs

MEASURED = Costs(
    hash=234.0,
    password=23.4,
    code=40.1,
    first_time=74.1,
    password_mongod=8.4,
    code_mongod=14.7,
    first_time_mongod=27.7,
    proof_bytes=5_580,
    sign_in_bytes=1_640,
)
