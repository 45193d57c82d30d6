"""Part ``sign-in``: whole sign-ins as people do them, what each costs, and which layer spends it.

Costs come from two looks at the same journeys: the CPU that the processes of a provider under gunicorn used (/proc),
and the same application in this process, where a sampler tells the layers apart.
"""
