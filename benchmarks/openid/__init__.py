"""Part ``openid``: complete code flows, refresh, introspection, discovery and keys, against oidc-provider (npm).

Owns: two providers with equal features on one mongod, people who are signed in to them, relying parties that drive
them, and the ratios. Does not own: the sign-in itself, whose cost is bcrypt's and SAML's.
"""
