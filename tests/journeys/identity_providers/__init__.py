"""Identity providers of other makers, as universities run them, against the whole running system.

Each module starts one as Debian packages it, on loopback, with a configuration of its own; skipped with the reason
where it cannot be had. The demo's own universities are idp.demo's.
"""
