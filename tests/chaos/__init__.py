"""What production does to the provider, done on purpose: ``make chaos``.

Real parts only: a replica set of three mongods, the provider under gunicorn, a load that remembers every answer it was
given. ``CHAOS_SCALE`` shortens (1.0: as docs/chaos.md has it). Everything here carries the marker ``chaos``, which an
ordinary run leaves out, but for ``test_in_short.py``.
"""
