"""What a person does with their own account, built from the services: addresses, merging, closing, recent events."""

from datetime import timedelta

from flask import Blueprint

from idp.app import flows, ways_in
from idp.app.services import Services, helpdesk_operators
from idp.domain.helpdesk import roles_of
from idp.domain.inactivity import InactivityRule
from idp.flows.account_erasure import AccountErasure
from idp.flows.closing import ClosingFlow
from idp.flows.inactivity import InactivityFlow
from idp.flows.merging import MergingFlow
from idp.flows.recent_events import RecentEvents
from idp.flows.university_routing import DomainForgetting
from idp.web import access as access_pages
from idp.web import addresses as address_pages
from idp.web import closing as closing_pages
from idp.web import merging as merging_pages
from idp.web.account_door import AccountDoor
from idp.web.account_sections import AccountSections
from idp.web.pages import Pages


def merging(services: Services) -> MergingFlow:
    """Two accounts of one person."""
    stores = services.stores
    return MergingFlow(
        accounts=stores.accounts,
        merges=stores.merges,
        merged_accounts=stores.merged_accounts,
        records=stores.proofing_records,
        passkeys=stores.passkeys,
        grants=stores.grants,
        consents=stores.consents,
        proofings=stores.proofings,
        sessions=stores.sessions,
        limits=stores.limits,
        puts_out=ways_in.putting_out(services),
        hasher=services.hasher,
        mails=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        clock=services.clock,
    )


def closing(services: Services) -> ClosingFlow:
    """A person closes their account."""
    stores = services.stores
    return ClosingFlow(
        accounts=stores.accounts,
        closed_accounts=stores.closed_accounts,
        ends_sign_ins=services.ends_sign_ins,
        devices=stores.devices,
        consents=stores.consents,
        passkeys=stores.passkeys,
        under_way=stores.under_way,
        sweeps=stores.sweeps,
        mails=stores.outbox,
        audit=stores.audit,
        clock=services.clock,
        kept=timedelta(days=services.settings.retention.closed_accounts_days),
    )


def inactivity(services: Services) -> InactivityFlow:
    """Accounts that nobody uses are closed, where the settings say so."""
    stores, kept = services.stores, services.settings.retention
    operators = helpdesk_operators(services.settings)
    return InactivityFlow(
        store=stores.inactivity,
        passkeys=stores.passkeys,
        sessions=stores.sessions,
        codes=stores.codes,
        proofings=stores.proofings,
        outbox=stores.outbox,
        limits=stores.limits,
        audit=stores.audit,
        closes=closing(services).close_unused,
        helps=lambda account: bool(roles_of(account, operators)),
        rule=InactivityRule(
            unused=timedelta(days=kept.inactive_days),
            notice=timedelta(days=kept.inactive_notice_days),
            # So that each account is looked at twice before the security log forgets.
            longest=timedelta(days=kept.audit_days / 2),
        ),
        kept=timedelta(days=kept.closed_accounts_days),
        sign_in_url=f"{services.settings.issuer}/account",
    )


def erasure(services: Services) -> AccountErasure:
    """Closed accounts are erased when their time is over."""
    stores = services.stores
    return AccountErasure(
        closed_accounts=stores.closed_accounts,
        merges=stores.merges,
        ends_sign_ins=services.ends_sign_ins,
        forgets=(
            stores.devices.forget_account,
            stores.consents.forget_account,
            stores.proofing_records.forget_account,
            stores.passkeys.remove_account,
            stores.merges.forget_account,
            stores.invitations.forget_account,
        ),
        unlearns=DomainForgetting(stores.learned_domains, services.secret),
        proofings=stores.proofings,
        outbox=stores.outbox,
        audit=stores.audit,
        clock=services.clock,
    )


def sections(services: Services) -> AccountSections:
    """What the account page shows of recent events, merges, applications and sessions."""
    events = RecentEvents(services.stores.audit, services.clock)
    return AccountSections(events, merging(services), flows.access(services))


def blueprints(services: Services, door: AccountDoor, pages: Pages) -> tuple[Blueprint, ...]:
    """The pages of applications and sessions, addresses, merging and closing."""
    access, end_session = flows.access(services), flows.end_session(services)
    return (
        access_pages.blueprint(access, door.accounts, door, end_session, pages),
        address_pages.blueprint(ways_in.addresses(services), door, pages),
        merging_pages.blueprint(merging(services), door, pages),
        closing_pages.blueprint(
            closing(services), door, door.authorization, pages, log_days=services.settings.retention.audit_days
        ),
    )
