"""Coverage-guided fuzzing of what reads strangers' bytes first: SAML guard, metadata, addresses; run by ``make fuzz``.

``python -m tests.guided_fuzz <libFuzzer options> <corpus>``; needs atheris (the extra ``fuzz``). An input that raises
anything but a refusal is written as ``crash-…`` into the working directory.
"""

import base64
import sys
from contextlib import suppress
from pathlib import Path

import atheris
from lxml import etree

with atheris.instrument_imports(include=["idp"]):
    from idp.domain import addresses
    from idp.domain.errors import Refusal
    from idp.saml.guard import read_response
    from idp.saml.metadata_reading import MalformedMetadata, MetadataReader
    from idp.saml.safe_xml import UnsafeXML, parse_metadata
from tests import fuzz_corpus
from tests.saml import identity_provider as university


def try_everything(content: bytes) -> None:
    with suppress(Refusal):
        read_response(base64.b64encode(content).decode())
    with suppress(MalformedMetadata):
        list(MetadataReader(content))
    with suppress(UnsafeXML):
        parse_metadata(content)
    with suppress(addresses.InvalidAddress):
        addresses.clean(content.decode(errors="ignore"))


def write_corpus(folder: Path) -> None:
    """One good input of each kind to begin with, and those at the edges."""
    key = university.new_key("fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "response").write_bytes(etree.tostring(university.signed(university.Draft(), key)))
    (folder / "metadata").write_bytes(university.entity_descriptor(university.ENTITY_ID, (key,)))
    (folder / "address").write_bytes(b"camille.durand@univ-exemple.fr")
    for number, odd in enumerate([*fuzz_corpus.RESPONSES.values(), *fuzz_corpus.METADATA.values()]):
        (folder / f"edge-{number:02}").write_bytes(odd)


if __name__ == "__main__":
    write_corpus(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, try_everything)
    atheris.Fuzz()
