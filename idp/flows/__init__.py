"""The journeys: what happens, in which order, between the pages and the adapters.

Stores, provider, mailer and clock come in as arguments; results are small values, never responses. No flow imports
another: what one journey leaves for the next (a sign-in, a waiting request) lies in the database.
"""
