"""What helps people: the helpdesk, invitations, closing of accounts."""

from datetime import timedelta

from flask import Blueprint

from idp.app import own_account, ways_in
from idp.app.services import Services, helpdesk_callback, helpdesk_operators
from idp.domain.helpdesk import roles_of
from idp.flows.account_closing import AccountClosing
from idp.flows.giving_back import GivingBack
from idp.flows.helpdesk_acts import HelpdeskActs
from idp.flows.helpdesk_entry import HelpdeskEntry
from idp.flows.invitations import InvitationFlow
from idp.flows.people import PeopleFlow
from idp.flows.timeline import TimelineFlow
from idp.web import helpdesk_acts as act_pages
from idp.web.helpdesk_console import Console
from idp.web.pages import Pages


def account_closing(services: Services) -> AccountClosing:
    """An administrator closes an account."""
    stores = services.stores
    return AccountClosing(
        accounts=stores.accounts,
        ends_sign_ins=services.ends_sign_ins,
        devices=stores.devices,
        consents=stores.consents,
        under_way=stores.under_way,
        sweeps=stores.sweeps,
        audit=stores.audit,
        clock=services.clock,
        kept=timedelta(days=services.settings.retention.closed_accounts_days),
    )


def people(services: Services) -> PeopleFlow:
    """An operator finds a person."""
    stores = services.stores
    return PeopleFlow(
        accounts=stores.accounts,
        invitations=stores.invitations,
        records=stores.proofing_records,
        sessions=stores.sessions,
        grants=stores.grants,
        devices=stores.devices,
        limits=stores.limits,
        proofings=stores.proofings,
        outbox=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        client_name=lambda client_id: services.provider.client_name(client_id, "fr"),
        puts_out=ways_in.putting_out(services),
        clock=services.clock,
    )


def helpdesk_acts(services: Services) -> HelpdeskActs:
    """An operator merges, parts and erases accounts."""
    found = people(services)
    return HelpdeskActs(
        notes=found,
        account=found.account,
        accounts=account_closing(services),
        merging=own_account.merging(services),
        erasure=own_account.erasure(services),
        any_method=ways_in.passkeys(services).take_any_method,
        gives_back=giving_back(services),
    )


def giving_back(services: Services) -> GivingBack:
    """An account goes back to its person."""
    stores = services.stores
    return GivingBack(
        accounts=stores.accounts,
        passkeys=stores.passkeys,
        under_way=stores.under_way,
        merges=stores.merges,
        mails=stores.outbox,
        puts_out=ways_in.putting_out(services),
        clock=services.clock,
    )


def helpdesk_act_pages(services: Services, pages: Pages) -> Blueprint:
    """The pages of these acts on the console."""
    console = Console(helpdesk_entry(services), pages)
    return act_pages.blueprint(console, people(services), helpdesk_acts(services), invitations(services))


def timeline(services: Services) -> TimelineFlow:
    """An operator reads what happened."""
    stores = services.stores
    return TimelineFlow(
        accounts=stores.accounts,
        audit=stores.audit,
        outbox=stores.outbox,
        records=stores.proofing_records,
        grants=stores.grants,
    )


def helpdesk_entry(services: Services) -> HelpdeskEntry:
    """An operator signs in to the console."""
    stores, configured = services.stores, services.settings
    operators = helpdesk_operators(configured)

    def roles(account_id: str) -> tuple[str, ...]:
        account = stores.accounts.find(account_id)
        return roles_of(account, operators) if account else ()

    return HelpdeskEntry(
        provider=services.provider,
        console=stores.helpdesk_sessions,
        sessions=stores.sessions,
        audit=stores.audit,
        secret=services.secret,
        client_id=configured.helpdesk.client_id,
        callback_url=helpdesk_callback(configured),
        needs_passkey=configured.helpdesk.passkey,
        roles=roles,
        clock=services.clock,
    )


def invitations(services: Services) -> InvitationFlow:
    """An administrator invites people."""
    stores, configured = services.stores, services.settings
    url = configured.invitations.sign_in_url or f"{configured.issuer}/account"
    return InvitationFlow(
        invitations=stores.invitations,
        accounts=stores.accounts,
        mails=stores.outbox,
        audit=stores.audit,
        sign_in_url=url,
        clock=services.clock,
    )
