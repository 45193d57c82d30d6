"""``verified_claims``: what a university vouched for, and how (OpenID Connect for Identity Assurance 1.0).

A wish and the account's last proof give the element, or nothing: where a requirement on the verification is not met,
the whole element is left out, and where one on a claim is not met, that claim (section 5.7.4). What a valid element
needs and does not have takes its parent along (section 5.7.5).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.domain.clients import Client
from idp.domain.grants import Grant
from idp.domain.proofing_record import ProofingRecord
from idp.openid.release import fits, releasable
from idp.openid.verified_claims_request import SHAPE, VERIFIABLE, Wish

# Our own rules: a member university of the federation vouched for it, and the mailbox was proven.
TRUST_FRAMEWORK = "urn:uness:trust:university"
EVIDENCE = "electronic_record"
# Predefined by the eKYC and Identity Assurance working group: a record of a place of education.
RECORD = "education"
_NEEDED = frozenset({"trust_framework", "type", "check_method"})

LatestProof = Callable[[str], ProofingRecord | None]


class _NotMet(Exception):
    """A requirement that this person's verification does not meet."""


def metadata() -> dict[str, Any]:
    """What discovery tells about it (section 8)."""
    return {
        "verified_claims_supported": True,
        "trust_frameworks_supported": [TRUST_FRAMEWORK],
        "evidence_supported": [EVIDENCE],
        "electronic_records_supported": [RECORD],
        "claims_in_verified_claims_supported": list(VERIFIABLE),
    }


@dataclass(frozen=True, slots=True)
class VerifiedClaims:
    """latest_proof: the last record of an account, None where no university has vouched for it."""

    issuer: str
    latest_proof: LatestProof

    def of(
        self, wishes: Wish | list[Wish], grant: Grant, client: Client, claims: Mapping[str, Any]
    ) -> dict[str, Any] | list[dict[str, Any]] | None:
        """The element for these wishes, an array where several sets were asked for; None where nothing fits.

        claims: what the account has.
        """
        record = self.latest_proof(grant.account_id)
        if record is None:
            return None
        known = {claim: claims[claim] for claim in releasable(client).intersection(claims, VERIFIABLE)}
        # An address that came later was no part of this proof.
        if known.get("email") != record.mailbox:
            known.pop("email", None)
        verification = _verification(record, self.issuer, is_pairwise=client.subject_type == "pairwise")
        several = wishes if isinstance(wishes, list) else [wishes]
        # Requirements of age count from the request (section 5.5.2), not from when its answer is fetched.
        found = [told for wish in several if (told := _element(wish, verification, known, grant.created_at))]
        return (found if isinstance(wishes, list) else found[0]) if found else None


def _verification(record: ProofingRecord, issuer: str, *, is_pairwise: bool) -> dict[str, Any]:
    """Everything that can be told of this proof; None where it is not known.

    Clients with pairwise subjects get no number of the proof, by which they could compare notes.
    """
    signature = {
        "check_method": "vcrypt",
        "organization": issuer,
        "txn": None if is_pairwise else record.assertion_id,
        "time": _time(record.answered_at),
    }
    sign_in = {"check_method": "auth", "organization": record.entity_id, "time": _time(record.authn_instant)}
    source = {"name": record.provider_name}
    return {
        "trust_framework": TRUST_FRAMEWORK,
        "time": _time(record.completed_at),
        "verification_process": None if is_pairwise else record.reference,
        "assurance_process": {"policy": record.registration_authority or None},
        "evidence": [
            {
                "type": EVIDENCE,
                "check_details": [signature, sign_in],
                "record": {"type": RECORD, "created_at": _time(record.answered_at), "source": source},
            }
        ],
    }


def _element(
    wish: Wish, verification: Mapping[str, Any], known: Mapping[str, Any], asked_at: datetime
) -> dict[str, Any] | None:
    claims = {name: known[name] for name, each in wish["claims"].items() if name in known and fits(known[name], each)}
    try:
        told = _select(SHAPE, wish["verification"], verification, asked_at)
    except _NotMet:
        return None
    return {"verification": told, "claims": claims} if claims and told else None


def _select(shape: Any, wish: Any, known: Any, asked_at: datetime) -> Any:
    """What is told of one element, None for nothing; raises ``_NotMet``."""
    if shape is None:
        return _select_leaf(wish, known, asked_at)
    if isinstance(shape, list):
        return _select_entries(shape[0], wish, known, asked_at)
    chosen = {name: _select(shape[name], wish[name], known.get(name), asked_at) for name in wish}
    told = {name: value for name, value in chosen.items() if value is not None}
    return told if told and _NEEDED & shape.keys() <= told.keys() else None


def _select_entries(shape: Any, filters: list[Wish | None], known: list[Any], asked_at: datetime) -> list[Any] | None:
    """The entries that pass any of the filters, each told as the first one says that it passes (section 5.4)."""
    passed = [told for one in known for told in _pass(shape, filters, one, asked_at)[:1]]
    if filters and not passed:
        raise _NotMet
    return [told for told in passed if told is not None] or None


def _pass(shape: Any, filters: list[Wish | None], known: Any, asked_at: datetime) -> list[Any]:
    """What each filter that this entry passes tells of it."""
    told = []
    for wish in filters:
        try:
            told += [] if wish is None else [_select(shape, wish, known, asked_at)]
        except _NotMet:
            continue
    return told


def _select_leaf(wish: Wish, known: str | None, asked_at: datetime) -> str | None:
    if not fits(known, wish):
        raise _NotMet
    if "max_age" in wish and not _is_young(known, timedelta(seconds=wish["max_age"]), asked_at):
        raise _NotMet
    return known


def _is_young(known: str | None, max_age: timedelta, asked_at: datetime) -> bool:
    try:
        return known is not None and asked_at - datetime.fromisoformat(known) <= max_age
    except (ValueError, TypeError):
        return False  # not a time at all


def _time(at: datetime | None) -> str | None:
    """In UTC, so that it tells nothing of where the person is (section 9)."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
