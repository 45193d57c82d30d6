"""OpenID Connect: what relying parties talk to.

Owns: the checks that stand before pyop, client authentication, codes and tokens with their lifecycle, ID tokens and
the keys that sign them, discovery, and the file of relying parties. pyop runs behind the checks for messages, the code
exchange, refresh, claims selection and userinfo, one request bound to one grant. Does not own: sign-in, sessions,
consent, HTTP, or where grants are stored (``Grants`` is handed in).
"""
