"""Calls from us to addresses that somebody else chose: clients' documents, logout notices, metadata of a federation.

Owns: which addresses we call at all, redirects (none), bounds of time and size, conditional requests. Does not own: who
wants what (openid, saml), when to try again, nor what is believed of an answer. Others receive its functions from
``app`` and know their ``NotFetched`` from the domain.
"""
