"""What every page that chooses a password shows beside its field (``new_password.html``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from idp.domain.new_passwords import PasswordProblem, name_words
from idp.domain.ways_in import WaysIn
from idp.web.sentences import field_sentence
from idp.web.ways_in import ways_in_shown


def choice_shown(
    attributes: Mapping[str, Sequence[str]], ways: WaysIn, minimum_length: int, problem: PasswordProblem | None
) -> dict[str, Any]:
    """attributes: the person's. ways: what else leads into the account. problem: of what was just chosen."""
    return {
        "minimum_length": minimum_length,
        "names": name_words(attributes),
        "errors": {"password": field_sentence(problem.key, **dict(problem.values))} if problem else {},
        **ways_in_shown(ways),
    }
