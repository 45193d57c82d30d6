"""Moving what belongs to an account into another one and back, in collection ``accounts``.

An account that was merged stays, disabled and empty, with what it had in ``merged``. Every step may be done again: who
takes over from a killed worker begins at the first one.
"""

from idp.domain.merging import Merge
from idp.storage.account_documents import ACCOUNTS
from idp.storage.database import AlreadyExists, Database, Document, translated

_OF_THE_UNIVERSITY = ("attributes", "proved_at", "invited")


class MergedAccounts:
    """Moves addresses, identities and what else belongs to an account; ``MergeStore`` says when."""

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection(ACCOUNTS)

    def leave(self, merge: Merge) -> bool:
        """Empty the other account, if it is open and still has the proven address: the write that decides.

        A proof at a university at the same moment either came before, and counts, or finds no account to write to.
        """
        as_before = {"merge_id": merge.id, "addresses": "$addresses", "identities": "$identities"}
        change = {"merged": as_before, "addresses": [], "identities": [], "disabled": True}
        is_open: Document = {"_id": merge.other, "addresses": merge.address, "disabled": False, "merged": None}
        # ``Merge.is_overtaken``
        is_open["proved_at"] = {"$not": {"$gt": merge.created_at}}
        with translated():
            if self._accounts.update_one(is_open, [{"$set": change}]).modified_count:
                return True
            return self._accounts.count_documents({"_id": merge.other, "merged.merge_id": merge.id}) == 1

    def join(self, merge: Merge) -> None:
        """Give the survivor what the other one had; what somebody else took in between stays where it is."""
        other = self._other(merge)
        for address in other["merged"]["addresses"]:
            self._give(merge.survivor, "addresses", address, address)
        for identity in other["merged"]["identities"]:
            self._give(merge.survivor, "identities", identity, identity["key"])
        former = [{"subject": other["subject"], "clients": list(merge.clients)}, *other.get("former_subjects", [])]
        with translated():
            self._accounts.update_one(
                {"_id": merge.survivor, "former_subjects.subject": {"$ne": other["subject"]}},
                {"$push": {"former_subjects": {"$each": former}}},
            )
        self._take_over_releases(merge, other)
        self._take_over_proof(merge, other)

    def moved_addresses(self, merge: Merge) -> tuple[str, ...]:
        """The addresses that came from the other account, or go back there."""
        return tuple(self._other(merge)["merged"]["addresses"])

    def addresses_before(self, merge: Merge) -> dict[str, tuple[str, ...]]:
        """The addresses that each of the two had before they were moved, by account."""
        moved = self.moved_addresses(merge)
        with translated():
            survivor = self._accounts.find_one({"_id": merge.survivor}, {"addresses": 1}) or {"addresses": ()}
        kept = tuple(address for address in survivor["addresses"] if address not in moved)
        return {merge.survivor: kept, merge.other: moved}

    def give_back(self, merge: Merge) -> bool:
        """Take from the survivor what came with the other one; False where it would be left without an address."""
        other = self._other(merge)
        addresses = other["merged"]["addresses"]
        keys = [identity["key"] for identity in other["merged"]["identities"]]
        subjects = [other["subject"], *(former["subject"] for former in other.get("former_subjects", []))]
        keeps_one = {"$expr": {"$gt": [{"$size": {"$setDifference": ["$addresses", {"$literal": addresses}]}}, 0]}}
        change: Document = {
            "$pull": {
                "addresses": {"$in": addresses},
                "identities": {"key": {"$in": keys}},
                "former_subjects": {"subject": {"$in": subjects}},
                "bounces": {"address": {"$in": addresses}},
                "releases": {"merge_id": merge.id},
            },
            # The passkeys that this rests on may be those that go.
            "$set": {"only_passkeys": False},
        }
        with translated():
            if not self._accounts.update_one(
                {"_id": merge.survivor, "disabled": False} | keeps_one, change
            ).matched_count:
                return False
        self._return_proof(merge)
        return True

    def restore(self, merge: Merge) -> None:
        """Open the other account again, as it was at the merge; what somebody else took in between stays there."""
        other = self._other(merge)
        for address in other["merged"]["addresses"]:
            self._give(merge.other, "addresses", address, address)
        for identity in other["merged"]["identities"]:
            self._give(merge.other, "identities", identity, identity["key"])
        with translated():
            self._accounts.update_one(
                {"_id": merge.other, "merged.merge_id": merge.id},
                {"$set": {"disabled": False}, "$unset": {"merged": ""}},
            )

    def _other(self, merge: Merge) -> Document:
        with translated():
            found = self._accounts.find_one({"_id": merge.other}) or {"subject": "", "proved_at": None}
        return {"merged": {"addresses": [], "identities": []}} | found

    def _give(self, account_id: str, field: str, value: object, key: str) -> None:
        named = f"{field}.key" if field == "identities" else field
        try:
            with translated():
                self._accounts.update_one({"_id": account_id, named: {"$ne": key}}, {"$push": {field: value}})
        except AlreadyExists:
            return

    def _take_over_releases(self, merge: Merge, other: Document) -> None:
        """What applications received through the other account, where they received nothing through this one."""
        came = [release | {"merge_id": merge.id} for release in other.get("releases", ())]
        kept = {
            "$filter": {
                "input": {"$ifNull": ["$releases", []]},
                "cond": {"$ne": ["$$this.merge_id", {"$literal": merge.id}]},
            }
        }
        new = {
            "$filter": {
                "input": {"$literal": came},
                "cond": {"$not": [{"$in": ["$$this.client_id", "$$kept.client_id"]}]},
            }
        }
        both = {"$let": {"vars": {"kept": kept}, "in": {"$concatArrays": ["$$kept", new]}}}
        with translated():
            self._accounts.update_one({"_id": merge.survivor}, [{"$set": {"releases": both}}])

    def _take_over_proof(self, merge: Merge, other: Document) -> None:
        """Whom no university vouched for is from now on who the other one was."""
        if other["proved_at"] is None:
            return
        change: Document = {name: f"${name}" for name in _OF_THE_UNIVERSITY}
        literal = {"$literal": other["attributes"]}
        with translated():
            self._accounts.update_one(
                {"_id": merge.survivor, "proved_at": None},
                [
                    {
                        "$set": {
                            f"before_merge.{merge.id}": change,
                            "attributes": literal,
                            "proved_at": other["proved_at"],
                            "invited": None,
                        }
                    }
                ],
            )

    def _return_proof(self, merge: Merge) -> None:
        """Unless a university vouched for the survivor meanwhile."""
        before = f"before_merge.{merge.id}"
        change: Document = {name: f"${before}.{name}" for name in _OF_THE_UNIVERSITY}
        vouched_by_the_other = {"_id": merge.survivor, before: {"$exists": True}, "identities": []}
        with translated():
            self._accounts.update_one(vouched_by_the_other, [{"$set": change}])
            self._accounts.update_one({"_id": merge.survivor}, {"$unset": {before: ""}})
