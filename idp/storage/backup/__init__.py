"""Backups: what lasts in the database as one file, and that file as a database again.

``policy`` says which collections last. ``archive`` is the file: its members, their checksums, and what is wrong with
one. ``copying`` reads collections and writes them. ``sealed_keys`` locks keys up under a passphrase. Not owned here:
settings, relying parties of the file and metadata, which are an administrator's files anyway.
"""
