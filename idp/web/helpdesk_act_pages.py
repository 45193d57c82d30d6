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
class ActPage:
    """What the page of an act says and asks. choices: what one of is chosen; None where nothing is."""

    title: str
    explanation: str
    do: Callable[[str, Act], bool]
    fields: tuple[Field, ...] = ()
    choice_name: str = ""
    choice_label: str = ""
    choices: Callable[[str], tuple[str, ...]] | None = None


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
    names = act_names(only_passkeys=True) | act_names(is_disabled=True)

    def merge(account_id: str, act: Act) -> bool:
        into = _one(people, forms.field("into"))
        if into == own:
            raise Undone(into=field_sentence("helpdesk.own_account"))
        if helps(account_id) or helps(into):
            raise Undone(into=field_sentence("helpdesk.operator_account"))
        if not acts.merge(account_id, into, act):
            raise Undone(into=field_sentence("helpdesk.not_mergeable"))
        return True

    def enable(account_id: str, act: Act) -> bool:
        if not acts.reopen(account_id, act):
            raise Undone(reason=field_sentence("helpdesk.not_reopened"))
        return True

    def unmerge(account_id: str, act: Act) -> bool:
        problem = acts.unmerge(account_id, _chosen("address"), act)
        if problem is not None:
            raise Undone(address=field_sentence(problem))
        return True

    def give_back(account_id: str, act: Act) -> bool:
        address = _chosen("address")
        # By command alone to an address that is not the account's: it would be a way into anybody's.
        if address not in own_addresses(account_id):
            raise Undone(address=field_sentence("helpdesk.choose"))
        problem = acts.give_back(account_id, address, act)
        if problem is not None:
            raise Undone(address=field_sentence(problem))
        return True

    def own_addresses(account_id: str) -> tuple[str, ...]:
        account = people.account(account_id)
        return account.addresses if account else ()

    def unlink(account_id: str, act: Act) -> bool:
        if not people.unlink(account_id, _chosen("identity"), act):
            raise Undone(identity=field_sentence("helpdesk.choose"))
        return True

    def identities(account_id: str) -> tuple[str, ...]:
        account = people.account(account_id)
        return tuple(identity.value for identity in account.identities) if account else ()

    return {
        "unlock": ActPage(
            names["unlock"],
            gettext(
                "Les essais et les mails comptés jusqu’ici ne comptent plus : la personne peut essayer de nouveau."
            ),
            people.unlock,
        ),
        "allow-password": ActPage(
            names["allow-password"],
            gettext(
                "La personne avait choisi de ne se connecter que par clé d’accès : le mot de passe et le code par mail "
                "l’ouvrent de nouveau. Assurez-vous d’abord que c’est bien elle qui le demande ; elle est prévenue."
            ),
            acts.allow_password,
        ),
        "give-back": ActPage(
            names["give-back"],
            gettext(
                "Quand quelqu’un d’autre s’est emparé du compte : tout le monde est déconnecté, le mot de passe, les "
                "clés d’accès et les autres adresses ne servent plus. Assurez-vous d’abord que l’adresse choisie est "
                "bien celle de la personne : elle s’y connectera par un code. Toutes les adresses sont prévenues."
            ),
            give_back,
            (),
            "address",
            gettext("L’adresse de la personne"),
            own_addresses,
        ),
        "disable": ActPage(
            names["disable"],
            gettext("La personne est déconnectée partout et ne peut plus se connecter, jusqu’à la réactivation."),
            acts.close,
        ),
        "enable": ActPage(names["enable"], gettext("La personne peut se connecter de nouveau."), enable),
        "merge": ActPage(
            names["merge"],
            gettext(
                "Ce compte est absorbé par l’autre : il ne permet plus de se connecter, et ses adresses, ses "
                "identifiants et ses clés d’accès passent à l’autre. Les deux sont prévenus ; ils peuvent être séparés "
                "pendant 30 jours."
            ),
            merge,
            (("into", gettext("Le compte qui reste : adresse, identifiant ou référence"), "", True),),
        ),
        "unmerge": ActPage(
            names["unmerge"],
            gettext(
                "Les deux comptes redeviennent ce qu’ils étaient, personne n’y reste connecté ; les deux sont prévenus."
            ),
            unmerge,
            (),
            "address",
            gettext("Le compte à séparer"),
            lambda account_id: tuple(merge.address for merge in acts.undoable(account_id)),
        ),
        "unlink": ActPage(
            names["unlink"],
            gettext(
                "Cet identifiant ne mène plus à personne, jusqu’à ce que quelqu’un le prouve de nouveau. La personne "
                "est déconnectée partout. Si quelqu’un d’autre est entré par là, rendez ensuite le compte à son "
                "adresse."
            ),
            unlink,
            (),
            "identity",
            gettext("L’identifiant à retirer"),
            identities,
        ),
        "erase": ActPage(
            names["erase"],
            gettext(
                "Le compte est fermé tout de suite et tout ce qui concerne la personne est effacé en quelques "
                "secondes. Personne ne peut revenir là-dessus ; seul le journal de sécurité reste, pour sa durée."
            ),
            acts.erase,
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
