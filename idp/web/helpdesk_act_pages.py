"""What each act of the console asks and does: its words, its fields, and the call behind its button."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext

from idp.domain.helpdesk import Act
from idp.flows.helpdesk_acts import HelpdeskActs
from idp.flows.people import LONGEST_QUERY, PeopleFlow
from idp.web import forms
from idp.web.sentences import field_sentence

# Name, label, hint, and whether it has to be filled in.
Field = tuple[str, str, str, bool]


class Undone(Exception):
    """Nothing was changed. errors: sentences by field."""

    def __init__(self, **errors: str) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Choice:
    """The name and label of a field in which one of several is chosen. of: which there are for an account's id."""

    name: str
    label: str
    of: Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ActPage:
    """What the page of an act says and asks."""

    title: str
    explanation: str
    do: Callable[[str, Act], bool]
    fields: tuple[Field, ...] = ()
    choice: Choice | None = None


def act_names(*, is_disabled: bool = False, only_passkeys: bool = False) -> dict[str, str]:
    """The acts and how they are called, in the order in which they are offered."""
    allow = {"allow-password": gettext("Accepter de nouveau mot de passe et code")} if only_passkeys else {}
    state = {"enable": gettext("Réactiver le compte")} if is_disabled else {"disable": gettext("Désactiver le compte")}
    return {
        "unlock": gettext("Lever les limites"),
        **allow,
        "give-back": gettext("Rendre le compte à son adresse"),
        **state,
        "merge": gettext("Réunir avec un autre compte"),
        "unmerge": gettext("Séparer deux comptes réunis"),
        "unlink": gettext("Retirer un identifiant d’université"),
        "erase": gettext("Effacer la personne"),
    }


def act_pages(
    people: PeopleFlow, acts: HelpdeskActs, helps: Callable[[str], bool], own: str = ""
) -> dict[str, ActPage]:
    """The acts by name. helps: whether the person of this account does; the role, which goes with an address, is
    nobody's here to give away, nor to whatever leads to another account. own: the account of whoever acts, into which
    they merge nobody's."""
    asking = _Asking(people, acts, helps, own)
    names, explanations = act_names(only_passkeys=True) | act_names(is_disabled=True), _explanations()
    done: dict[str, Callable[[str, Act], bool]] = {
        "unlock": people.unlock,
        "allow-password": acts.allow_password,
        "give-back": asking.give_back,
        "disable": acts.close,
        "enable": asking.enable,
        "merge": asking.merge,
        "unmerge": asking.unmerge,
        "unlink": asking.unlink,
        "erase": acts.erase,
    }
    into = "into", gettext("Le compte qui reste : adresse, identifiant ou référence"), "", True
    fields = {"merge": (into,)}
    choices = {
        "give-back": Choice("address", gettext("L’adresse de la personne"), asking.addresses),
        "unmerge": Choice("address", gettext("Le compte à séparer"), asking.merged),
        "unlink": Choice("identity", gettext("L’identifiant à retirer"), asking.identities),
    }
    return {
        name: ActPage(names[name], explanations[name], do, fields.get(name, ()), choices.get(name))
        for name, do in done.items()
    }


@dataclass(frozen=True, slots=True)
class _Asking:
    """Acts that ask for more than a reason, or are refused in a sentence. The arguments of ``act_pages``."""

    people: PeopleFlow
    acts: HelpdeskActs
    helps: Callable[[str], bool]
    own: str

    def merge(self, account_id: str, act: Act) -> bool:
        into = _one(self.people, forms.field("into"))
        if into == self.own:
            raise Undone(into=field_sentence("helpdesk.own_account"))
        if self.helps(account_id) or self.helps(into):
            raise Undone(into=field_sentence("helpdesk.operator_account"))
        if not self.acts.merge(account_id, into, act):
            raise Undone(into=field_sentence("helpdesk.not_mergeable"))
        return True

    def enable(self, account_id: str, act: Act) -> bool:
        if not self.acts.reopen(account_id, act):
            raise Undone(reason=field_sentence("helpdesk.not_reopened"))
        return True

    def unmerge(self, account_id: str, act: Act) -> bool:
        problem = self.acts.unmerge(account_id, _chosen("address"), act)
        if problem is not None:
            raise Undone(address=field_sentence(problem))
        return True

    def merged(self, account_id: str) -> tuple[str, ...]:
        return tuple(merge.address for merge in self.acts.undoable(account_id))

    def give_back(self, account_id: str, act: Act) -> bool:
        address = _chosen("address")
        # To another address by command alone: whoever may use this page could else take any account.
        if address not in self.addresses(account_id):
            raise Undone(address=field_sentence("helpdesk.choose"))
        problem = self.acts.give_back(account_id, address, act)
        if problem is not None:
            raise Undone(address=field_sentence(problem))
        return True

    def addresses(self, account_id: str) -> tuple[str, ...]:
        account = self.people.account(account_id)
        return account.addresses if account else ()

    def unlink(self, account_id: str, act: Act) -> bool:
        if not self.people.unlink(account_id, _chosen("identity"), act):
            raise Undone(identity=field_sentence("helpdesk.choose"))
        return True

    def identities(self, account_id: str) -> tuple[str, ...]:
        account = self.people.account(account_id)
        return tuple(identity.value for identity in account.identities) if account else ()


def _explanations() -> dict[str, str]:
    """What each act does, told before it is done."""
    return {
        "unlock": gettext(
            "Les essais et les mails comptés jusqu’ici ne comptent plus : la personne peut essayer de nouveau."
        ),
        "allow-password": gettext(
            "La personne avait choisi de ne se connecter que par clé d’accès : le mot de passe et le code par mail "
            "l’ouvrent de nouveau. Assurez-vous d’abord que c’est bien elle qui le demande ; elle est prévenue."
        ),
        "give-back": gettext(
            "Quand quelqu’un d’autre s’est emparé du compte : tout le monde est déconnecté, le mot de passe, les "
            "clés d’accès et les autres adresses ne servent plus. Assurez-vous d’abord que l’adresse choisie est "
            "bien celle de la personne : elle s’y connectera par un code. Toutes les adresses sont prévenues."
        ),
        "disable": gettext(
            "La personne est déconnectée partout et ne peut plus se connecter, jusqu’à la réactivation."
        ),
        "enable": gettext("La personne peut se connecter de nouveau."),
        "merge": gettext(
            "Ce compte est absorbé par l’autre : il ne permet plus de se connecter, et ses adresses, ses "
            "identifiants et ses clés d’accès passent à l’autre. Les deux sont prévenus ; ils peuvent être séparés "
            "pendant 30 jours."
        ),
        "unmerge": gettext(
            "Les deux comptes redeviennent ce qu’ils étaient, personne n’y reste connecté ; les deux sont prévenus."
        ),
        "unlink": gettext(
            "Cet identifiant ne mène plus à personne, jusqu’à ce que quelqu’un le prouve de nouveau. La personne "
            "est déconnectée partout. Si quelqu’un d’autre est entré par là, rendez ensuite le compte à son "
            "adresse."
        ),
        "erase": gettext(
            "Le compte est fermé tout de suite et tout ce qui concerne la personne est effacé en quelques "
            "secondes. Personne ne peut revenir là-dessus ; seul le journal de sécurité reste, pour sa durée."
        ),
    }


def _chosen(name: str) -> str:
    chosen = forms.optional_field(name)
    if not chosen:
        raise Undone(**{name: field_sentence("helpdesk.choose")})
    return chosen


def _one(people: PeopleFlow, who: str) -> str:
    """The id of the one account that is meant; a name is not enough to give somebody another one's account."""
    lines = people.find(who.strip()[:LONGEST_QUERY], by_name=False)
    found = [line.account_id for line in lines if line.account_id]
    if len(found) != 1:
        raise Undone(into=field_sentence("helpdesk.several" if found else "helpdesk.nobody"))
    return found[0]
