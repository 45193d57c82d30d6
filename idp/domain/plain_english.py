"""What is wrong, in plain English: for administrators on the command line, in lists and logs of theirs.

People read the same keys in French or English on pages, in the words of ``idp.web.sentences``.
"""

from typing import Final

_SENTENCES: Final = {
    "email.empty": "the address is empty",
    "email.several": "several addresses; give one",
    "email.characters": "an address has letters without accents, and no spaces",
    "email.too_long": "the address is too long",
    "email.malformed": "not a mail address such as name@university.fr",
    "reason.empty": "give a reason: it is kept in the security log",
    "reason.too_long": "the reason is too long; shorten it",
    "helpdesk.nobody": "nobody found",
    "helpdesk.address_taken": "the address is another account's",
    "helpdesk.not_reopened": "it is being erased, or ended in another one (`idp user unmerge`)",
    "merge.changed": "no such merge that may still be undone, or an account changed meanwhile; look again",
    "merge.last_address": "no address would be left to the account that stays; give it another one first",
}


def sentence(key: str) -> str:
    """The words for a key such as ``email.malformed``; KeyError if unknown."""
    return _SENTENCES[key]
