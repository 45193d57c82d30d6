"""What the provider costs, measured: ``make bench``, or ``python -m benchmarks [part …]``.

Owns: starting the provider and its peers on a real mongod, driving them with cheap clients, reading CPU and memory
from /proc (Linux), and printing tables. A part is one subject with a module of its own; ``parts`` names them.
Does not own: correctness (``tests/``) or any code that the provider runs: nothing under ``idp/`` knows of this package.
"""
