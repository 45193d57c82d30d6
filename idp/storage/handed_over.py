"""Documents that go from one account to another when the two are merged, and back when they are parted.

A merge may follow another one (A into B, then B into C): each document keeps the whole way that it came, as the
``merge_id`` of every merge, so that parting the last two leaves the merge before as it was.
"""

from typing import Any

from pymongo.collection import Collection

from idp.storage.database import Document, translated

# One id alone is how it was written before merges were followed by others.
_WAY = {
    "$cond": [
        {"$isArray": "$merge_id"},
        "$merge_id",
        {"$cond": [{"$eq": [{"$type": "$merge_id"}, "missing"]}, [], ["$merge_id"]]},
    ]
}


def hand_over(collection: Collection[Document], account_id: str, into: str, merge_id: str) -> None:
    """Have the account that goes on own what this one has; doing it again changes nothing."""
    way: dict[str, Any] = {"$concatArrays": [_WAY, [{"$literal": merge_id}]]}
    with translated():
        collection.update_many(
            {"account_id": account_id}, [{"$set": {"account_id": {"$literal": into}, "merge_id": way}}]
        )


def give_back(collection: Collection[Document], merge_id: str, account_id: str) -> None:
    """Give this account what came from it by that merge."""
    way: dict[str, Any] = {"$filter": {"input": _WAY, "cond": {"$ne": ["$$this", {"$literal": merge_id}]}}}
    with translated():
        collection.update_many(
            {"merge_id": merge_id}, [{"$set": {"account_id": {"$literal": account_id}, "merge_id": way}}]
        )
