"""What Prometheus reads: counters of events, times, and the state at the moment of asking.

Owns every metric's name, help and labels, and how the processes of one server add up. Whatever happens is told to
``counts`` under an event's name, whatever takes time to ``times``; nothing here decides. No label ever holds an
address, a name, an identifier of a person, a token or a session: labels are names from the code, or of universities.
"""
