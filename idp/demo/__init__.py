"""The demo's other parties: a portal (two relying parties), universities (SAML identity providers) and a mailbox.

They speak with the provider as strangers do, over HTTP, SMTP and files, and import nothing of it. Tests talk to the
same parties, so each of them starts on any port and stops. ``python -m idp.demo`` runs everything on one machine.
All people, universities and domains here are invented.
"""
