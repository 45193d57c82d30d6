"""A standalone OpenID Connect provider for students, fed by university SAML identity providers."""
