"""Adapter of py_webauthn: the relying party's side of WebAuthn level 3.

Owns the options that browsers get and the checks of what authenticators answer. Knows neither accounts nor sessions,
stores nothing; challenges are given to it. Exceptions of the library end here, as ``domain.passkeys.PasskeyRefused``.
"""
