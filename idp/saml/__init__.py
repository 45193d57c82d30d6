"""The SAML side: our service provider and the federation's metadata.

Owns everything that pysaml2, xmlsec and lxml touch: AuthnRequests, the guard around received responses, signatures and
decryption in this process, our own metadata and keys, the folder of federation metadata with the administrator's
overrides. What leaves is a ``Vouching``, an ``IdentityProvider`` or a ``Refusal``; no XML and no library exception.
Does not own whether a university may say what it said (scopes: ``domain``), nor that a response is used once
(``storage``), nor what comes next (``flows``).
"""
