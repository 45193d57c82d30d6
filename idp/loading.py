"""Loading a program: two fifths of the time would go into what nobody needs."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Final

_SCHEMAS: Final = "saml2.xml.schema"


@contextmanager
def loading() -> Iterator[None]:
    """Nobody looks for garbage in here, as nothing of a program is any; pysaml2's schemas stay unbuilt."""
    gc.disable()
    sys.modules.setdefault(_SCHEMAS, _SchemasWhenAsked(_SCHEMAS))
    try:
        yield
    finally:
        gc.enable()


class _SchemasWhenAsked(ModuleType):
    """In the place of ``saml2.xml.schema``, which builds its schemas as soon as it is imported (pysaml2 issue 983).

    That takes longer than all of our own modules together, and the provider never asks them: responses are held against
    the schemas by libxml2 (``saml.response_schema``). Whoever does ask gets pysaml2's own answer.
    """

    class XMLSchemaError(Exception):
        """A document is not valid."""

    def validate(self, document: str) -> None:
        """Raises XMLSchemaError as pysaml2's function does."""
        if sys.modules.get(_SCHEMAS) is self:
            del sys.modules[_SCHEMAS]
        schemas = import_module(_SCHEMAS)
        try:
            schemas.validate(document)
        except schemas.XMLSchemaError as error:
            raise self.XMLSchemaError(*error.args) from error
