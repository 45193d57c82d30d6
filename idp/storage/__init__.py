"""MongoDB, and nothing but MongoDB: one module per collection, domain objects in and out.

Owns: documents, indexes, single use and expiry as atomic operations with majority acknowledgement. Does not own: any
rule about what a document means. An outcome that is unknown (a time-out) leaves as ``ServiceUnavailable`` and is never
taken for a success: every method of a store may raise it.
"""
