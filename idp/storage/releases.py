"""What applications received, in collection ``accounts``: it is read along with the account, at no cost."""

from collections.abc import Iterable
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.releases import Release, news
from idp.storage.account_documents import ACCOUNTS
from idp.storage.database import Database, Document, translated


class ReleaseStore:
    """One entry for each application that received something of a person."""

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection(ACCOUNTS)

    def note_news(
        self, account: Account, client_id: str, asked: frozenset[str], available: Iterable[str], *, now: datetime
    ) -> None:
        """Write what this application is about to receive, where that is news (``domain.releases.news``)."""
        if release := news(account.releases, client_id, asked, available, now=now):
            self.note(account.id, release)

    def note(self, account_id: str, release: Release) -> None:
        """This application is about to be told the account's subject, and these claims.

        An update by pipeline: what it received before and what it receives now become one entry in one write.
        """
        is_it = {"$eq": ["$$this.client_id", {"$literal": release.client_id}]}
        before = {"$filter": {"input": _list("releases"), "cond": is_it}}
        others = {"$filter": {"input": _list("releases"), "cond": {"$not": [is_it]}}}
        start: Document = {"$literal": sorted(release.claims)}
        claims = {"$setUnion": ["$$value", "$$this.claims"]}
        entry = {
            "client_id": {"$literal": release.client_id},
            "claims": {"$reduce": {"input": before, "initialValue": start, "in": claims}},
            "at": release.at,
        }
        change = {
            "clients": {"$setUnion": [_list("clients"), [{"$literal": release.client_id}]]},
            "releases": {"$concatArrays": [others, [entry]]},
        }
        with translated():
            self._accounts.update_one({"_id": account_id}, [{"$set": change}])

    def forget(self, account_id: str, client_id: str) -> None:
        """The person took the application's access back; that it knows the subject stays known."""
        with translated():
            self._accounts.update_one({"_id": account_id}, {"$pull": {"releases": {"client_id": client_id}}})


def _list(field: str) -> Document:
    return {"$ifNull": [f"${field}", []]}
