"""``idp federation …``: universities and their metadata."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.cli.administration import MakeAdministration
from idp.cli.founded import founded, reason_option
from idp.cli.output import echo_json, echo_rows, end, faults_told, json_option, moment, note, progress
from idp.domain.addresses import InvalidAddress
from idp.domain.federation import FileReport, IdentityProvider, MetadataFileStatus
from idp.domain.federation_health import UniversityHealth
from idp.domain.pinned_keys import PinnedKey
from idp.domain.plain_english import sentence
from idp.domain.routing import Route

if TYPE_CHECKING:
    from idp.flows.federation_administration import ProviderDetails

# A large file that was dropped a moment ago is read by whoever looks first.
_READING = "Reading the federation's metadata"
# Ends a command with exit code 1, also beside JSON on standard output.
_NOBODY = "no university found"
# With less than this left, the end is shown in hours.
_FEW_DAYS = timedelta(days=2)


@click.group(name="federation")
def federation_group() -> None:
    """Universities and their metadata."""


@federation_group.command("list")
@click.argument("query", required=False)
@json_option
@click.pass_obj
def list_federation(administration: MakeAdministration, query: str | None, as_json: bool) -> None:
    """List the metadata files, their state and their keys; with QUERY, the universities that a search finds.

    A refused file stands in the list and is no failure of it; for scripts, `idp check` tells by its exit code.
    """
    flow = administration().federation
    if query is None:
        with progress(_READING):
            files = flow.files()
        _echo_files(files, flow.pinned_keys(), as_json=as_json)
        return
    with progress(_READING):
        providers = flow.providers(query)
    if as_json:
        echo_json(providers)
    else:
        echo_rows([_provider_row(provider) for provider in providers])
    if not providers:
        end(_NOBODY)


@federation_group.command()
@click.argument("address")
@json_option
@click.pass_obj
def which(administration: MakeAdministration, address: str, as_json: bool) -> None:
    """Tell which university a mail ADDRESS leads to, and why."""
    try:
        with faults_told(), progress(_READING):
            found = administration().federation.which(address)
    except InvalidAddress as error:
        end(f"{address}: {sentence(error.key)}" + (f"; perhaps {error.suggestion}" if error.suggestion else ""))
    if not found.is_complete:
        note("learned domains could not be read: the database does not answer")
    if as_json:
        echo_json([_route(route) for route in found.routes])
    else:
        echo_rows([(*_provider_row(route.provider), f"{route.by} {route.suffix}") for route in found.routes])
    if not found.routes:
        end(_NOBODY)


@federation_group.command("refuse-domain")
@click.argument("domain")
@click.argument("entity_id")
@reason_option
@json_option
@click.pass_obj
def refuse_domain(administration: MakeAdministration, domain: str, entity_id: str, reason: str, as_json: bool) -> None:
    """Let the mail DOMAIN, learned from who came, lead to the identity provider ENTITY_ID no longer, nor ever again."""
    with faults_told():
        is_done = administration().federation.refuse_domain(domain, entity_id, founded(reason))
    if not is_done:
        end(f"{domain}: not learned of {entity_id}")
    if as_json:
        echo_json({"domain": domain, "entity_id": entity_id, "done": "refused"})
    else:
        echo_rows([(domain, entity_id, "refused")])


@federation_group.command()
@click.argument("entity_id")
@json_option
@click.pass_obj
def show(administration: MakeAdministration, entity_id: str, as_json: bool) -> None:
    """Tell everything about the identity provider ENTITY_ID: names, domains, endpoints, keys, file, overrides.

    With --json, null where there is none.
    """
    with progress(_READING):
        details = administration().federation.show(entity_id)
    if as_json:
        echo_json(details)
    elif details is not None:
        echo_rows(_detail_rows(details))
    if details is None:
        end(_NOBODY)


@federation_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def check_file(administration: MakeAdministration, file: Path, as_json: bool) -> None:
    """Tell what FILE would change, were it in the federation folder under its name, and who has to have signed it.

    Exit code 1 if it were refused.
    """
    with faults_told(), progress(f"Checking {file.name}"):
        report = administration().federation.check(file)
    if as_json:
        echo_json(report)
    else:
        echo_rows(_report_rows(report))
    if report.problem:
        end(f"{file.name}: {report.problem}")


@federation_group.command()
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="How far to look back.")
@json_option
@click.pass_obj
def health(administration: MakeAdministration, days: int, as_json: bool) -> None:
    """Tell how sign-in went at each university, the worst first: failures by cause, attributes, last success ever."""
    with faults_told(), progress(_READING):
        found = administration().federation.health(timedelta(days=days))
    if as_json:
        echo_json([_health(university) for university in found])
    else:
        echo_rows([_health_row(university) for university in found])


@federation_group.command("test-aggregate")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--providers", type=click.IntRange(1, 20_000), default=500, show_default=True, help="How many.")
@json_option
@click.pass_obj
def test_aggregate(administration: MakeAdministration, folder: Path, providers: int, as_json: bool) -> None:
    """Write an aggregate of invented universities into FOLDER, signed with a key of its own: for tests alone."""
    flow = administration().federation
    progress: Any = click.progressbar(length=providers, label="Writing", file=sys.stderr)
    try:
        with progress as bar:
            aggregate, certificate = flow.write_test_aggregate(folder, providers, bar.update)
    except OSError as error:
        end(f"{folder}: cannot be written: {error.strerror or error}")
    if as_json:
        echo_json({"file": aggregate, "certificate": certificate, "providers": providers})
        return
    click.echo(f'{aggregate}\n# In overrides.toml:\n[files."{aggregate.name}"]\nsigning_keys = ["{certificate.name}"]')


def _echo_files(
    files: Sequence[MetadataFileStatus], keys: Mapping[str, tuple[PinnedKey, ...]], *, as_json: bool
) -> None:
    if as_json:
        echo_json([asdict(status) | {"signing_keys": keys.get(status.file, ())} for status in files])
    else:
        echo_rows([(*_file_row(status), *map(_key_text, keys.get(status.file, ()))) for status in files])


def _key_text(key: PinnedKey) -> str:
    if not key.fingerprint:
        return f"{key.file} unreadable"
    dates = f" {key.not_before:%Y-%m-%d}/{key.not_after:%Y-%m-%d}" if key.not_before and key.not_after else ""
    return f"{key.file} {key.fingerprint}{dates}"


def _file_row(status: MetadataFileStatus) -> tuple[str, ...]:
    if status.loaded_at is None:
        left = "nothing of it in use"
    else:
        left = ("last good copy in use, " if status.problem else "") + _time_left(status.valid_until)
    return status.file, f"{status.providers} providers", left, "; ".join(status.problems) or "in use"


def _time_left(until: datetime | None) -> str:
    if until is None:
        return "no end of validity"
    left = until - datetime.now(UTC)
    if left >= _FEW_DAYS:
        return f"valid for {left.days} days"
    hours, minutes = divmod(left // timedelta(minutes=1), 60)
    return f"valid for {hours} h {minutes} min"


def _provider_row(provider: IdentityProvider) -> tuple[str, ...]:
    return provider.name("fr"), provider.entity_id, " ".join(provider.scopes)


def _route(route: Route) -> dict[str, str]:
    provider = route.provider
    return {"entity_id": provider.entity_id, "name": provider.name("fr"), "by": route.by, "suffix": route.suffix}


def _detail_rows(details: "ProviderDetails") -> list[tuple[str, ...]]:
    provider, published = details.provider, details.published
    rows = [
        ("entity id", provider.entity_id),
        *(("name", language, name) for language, name in provider.names),
        ("scopes", " ".join(provider.scopes)),
        ("domain hints", " ".join(provider.domain_hints)),
        ("file", details.file),
        ("registered by", provider.registration_authority),
        ("error address", provider.error_url),
        ("override: hidden", "yes" if provider.hidden else ""),
        ("override: aliases", ", ".join(provider.aliases)),
        ("override: mail domains", " ".join(provider.mail_domains)),
        ("override: help address", provider.help_url),
        *(("endpoint", found.role, found.binding, found.location) for found in published.endpoints),
        *(
            (
                "key",
                key.use or "any use",
                key.kind,
                key.fingerprint,
                f"{key.not_before:%Y-%m-%d}/{key.not_after:%Y-%m-%d}",
            )
            for key in published.keys
        ),
        ("certificates that are none", str(published.unreadable or "")),
    ]
    return [row for row in rows if row[-1]]


def _report_rows(report: FileReport) -> list[tuple[str, ...]]:
    keys = [("key", _key_text(key)) for key in report.signing_keys]
    if report.problem or report.difference is None:
        return [*keys]
    end_of_validity = moment(report.valid_until, "no end of validity")
    counts = (f"{report.providers} providers", end_of_validity, report.difference.summary)
    return [counts, *keys, *((line,) for line in report.difference.lines())]


def _health(university: UniversityHealth) -> dict[str, object]:
    return {
        "entity_id": university.entity_id,
        "name": university.name,
        "last_success": university.last_success,
        "accepted": university.accepted,
        "failure_rate": round(university.failure_rate, 4),
        "refused": university.refused,
        "received": university.received,
    }


def _health_row(university: UniversityHealth) -> tuple[str, ...]:
    return (
        university.name,
        university.entity_id,
        f"last success {moment(university.last_success)}",
        f"{university.accepted} accepted",
        f"{university.failure_rate:.0%} refused",
        " ".join(f"{reason}:{count}" for reason, count in university.refused.items()),
        " ".join(f"{name}:{count}" for name, count in university.received.items()),
    )
