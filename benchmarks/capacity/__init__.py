"""Parts ``capacity`` and ``autumn``: how much an installation must have for so many people.

Owns: sign-ins per core at each cost of bcrypt, the size of the database, memory by worker, and a simulation of the
week in which everybody comes at once. The figures stand in ``docs/capacity.md``. Does not own: the journeys
(``sign_in``).
"""
