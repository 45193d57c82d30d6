"""What changes its owner when two accounts become one, and goes back when they are parted: passkeys, proofing records.

``merge_id``: by which merges a document came where it is, the latest last, since the account that goes on may end
in a third one. The release before kept the latest alone, as text.
"""

from pymongo import IndexModel
from pymongo.collection import Collection

from idp.storage.database import Document, translated

# Nearly nothing has come by a merge.
INDEX = IndexModel("merge_id", partialFilterExpression={"merge_id": {"$exists": True}})

_CAME_BY: Document = {
    "$switch": {
        "branches": [
            {"case": {"$isArray": "$merge_id"}, "then": "$merge_id"},
            {"case": {"$gt": ["$merge_id", None]}, "then": ["$merge_id"]},
        ],
        "default": [],
    }
}


def hand_over(collection: Collection[Document], account_id: str, into: str, merge_id: str) -> None:
    """Have the account that goes on own what this one has; doing it twice does no harm."""
    came_by = {"$concatArrays": [_CAME_BY, [{"$literal": merge_id}]]}
    _change(collection, {"account_id": account_id}, into, came_by)


def give_back(collection: Collection[Document], merge_id: str, account_id: str) -> None:
    """Give back to this account what came from it by that merge."""
    others = {"$filter": {"input": _CAME_BY, "cond": {"$ne": ["$$this", {"$literal": merge_id}]}}}
    _change(collection, {"merge_id": merge_id}, account_id, others)


def _change(collection: Collection[Document], which: Document, owner: str, came_by: Document) -> None:
    with translated():
        collection.update_many(which, [{"$set": {"account_id": {"$literal": owner}, "merge_id": came_by}}])
