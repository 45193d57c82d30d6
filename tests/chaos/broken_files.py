"""Ways in which a metadata file may be broken: each makes one from the good file's content."""

import os
from collections.abc import Callable

Spoil = Callable[[bytes], bytes]
BROKEN: dict[str, Spoil] = {
    "empty": lambda good: b"",
    "cut in half": lambda good: good[: len(good) // 2],
    "no XML": lambda good: b"<html>404 Not Found",
    "binary": lambda good: os.urandom(5000),
    "signature broken": lambda good: good.replace(b"idp", b"IDP", 1)[:-1] + b">",
    "unsigned": lambda good: b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>',
    "entities that explode": lambda good: b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "other encoding": lambda good: good.decode().encode("utf-16"),
}
