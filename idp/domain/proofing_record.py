"""The record of one proof: what was said of a person, by whom, on what grounds and when; written once, never changed.

It holds no value that the university released but the address: each attribute stands there by its name with a hash that
only the installation's key can make again, so that a value can be shown to have been used, and none can be read out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from idp.domain.keyed import SecretKey
from idp.domain.proofing import Proofing


@dataclass(frozen=True, slots=True)
class ProofingRecord:
    """One proof, kept as long as the account.

    id: the proofing's. provider_name, registration_authority: as the federation's metadata had them at that moment.
    metadata_digest: SHA-256 in hex of the entity's metadata that was used. authn_instant, authn_context: when and how
    the person signed in there, as the assertion tells. identifier_kind: by which identifier the account was found.
    attributes: keyed hash by name, identifiers among them. mailbox: the address that was proven; confirmed_by: how, as
    ``domain.proofing.ConfirmedBy``. mailed_at: None where no mail was sent.
    """

    id: str
    account_id: str
    reference: str
    entity_id: str
    provider_name: str
    registration_authority: str
    metadata_digest: str
    assertion_id: str
    authn_instant: datetime | None
    authn_context: str
    identifier_kind: str
    mailbox: str
    confirmed_by: str
    started_at: datetime
    answered_at: datetime | None
    mailed_at: datetime | None
    confirmed_at: datetime
    completed_at: datetime
    attributes: dict[str, str] = field(default_factory=dict)


def record_of(proofing: Proofing, account_id: str, secret: SecretKey, *, now: datetime) -> ProofingRecord:
    """The record of a proofing whose account is known.

    now: when the account was handed over; that ends the proof, whatever password is chosen afterwards.
    """
    used = {name: values for name, values in proofing.attributes.items() if values}
    used |= {identity.kind: (identity.value,) for identity in proofing.identities}
    return ProofingRecord(
        id=proofing.id,
        account_id=account_id,
        reference=proofing.reference,
        entity_id=proofing.entity_id,
        provider_name=proofing.provider_name or proofing.entity_id,
        registration_authority=proofing.registration_authority,
        metadata_digest=proofing.metadata_digest,
        assertion_id=proofing.assertion_id,
        authn_instant=proofing.authn_instant,
        authn_context=proofing.authn_context,
        identifier_kind=proofing.identities[0].kind if proofing.identities else "",
        mailbox=proofing.address or "",
        confirmed_by=str(proofing.confirmed_by or ""),
        started_at=proofing.created_at,
        answered_at=proofing.answered_at,
        mailed_at=proofing.vouched_at,
        confirmed_at=proofing.confirmed_at or now,
        completed_at=now,
        attributes={name: value_hash(secret, proofing.id, name, values) for name, values in used.items()},
    )


def value_hash(secret: SecretKey, record_id: str, name: str, values: Iterable[str]) -> str:
    """What stands in a record for these values of an attribute, whatever their order.

    The record's id is part of it: two people of the same status, or two proofs of one person, show nothing in common.
    """
    return secret.hash("proofing-record", record_id, name, *sorted(values))
