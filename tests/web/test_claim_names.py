"""Every claim that a client may get is told: in words on pages, and in the documentation that is written by hand."""

from pathlib import Path

from idp.domain import claims
from idp.domain.claims import FORMER_SUBS, SCOPES, claims_of_scopes
from idp.saml.attributes import FRIENDLY_NAMES
from idp.web.claim_names import LABELS, SILENT

PROJECT = Path(__file__).parents[2]
CLAIMS = claims_of_scopes(SCOPES)


def test_what_comes_from_an_attribute_is_read_and_belongs_to_a_scope() -> None:
    from_attributes = claims._SINGLE | claims._LISTS
    unread = sorted(set(from_attributes.values()) - set(FRIENDLY_NAMES.values()))
    assert not unread, f"say in FRIENDLY_NAMES (idp/saml/attributes.py) under which name these come: {unread}"
    lost = sorted(from_attributes.keys() - CLAIMS)
    assert not lost, f"no scope in SCOPES (idp/domain/claims.py) releases these: {lost}"


def test_every_claim_has_words_on_pages() -> None:
    lost = CLAIMS - LABELS.keys() - SILENT - {"sub", FORMER_SUBS}
    assert not lost, (
        f"give these a label in idp/web/claim_names.py, or they stand on pages by their name: {sorted(lost)}"
    )


def test_every_claim_stands_in_the_documentation() -> None:
    for page in ("README.md", "docs/authentication-requests.md"):
        text = (PROJECT / page).read_text("utf-8")
        lost = sorted(claim for claim in CLAIMS if f"`{claim}`" not in text)
        assert not lost, f"{page} tells scopes and claims, and lacks: {lost}"
