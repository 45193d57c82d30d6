"""The demo's universities and their people, all invented.

Each university shows one thing that real ones do: plain signed assertions, encrypted ones, no mail released, a name
that another university nearly has. Each has somebody whose first sign-in goes differently.
"""

from dataclasses import dataclass

PASSWORD = "bonjour"  # the same for everybody, so that the person trying the demo has one thing to remember


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at a demo university.

    mail: the address that the university releases, None where it releases none.
    typed_mail: the address that the person would type at the start of a sign-in.
    """

    username: str
    given_name: str
    surname: str
    mail: str | None
    typed_mail: str
    affiliations: tuple[str, ...] = ("student", "member")
    student_number: str | None = None
    remark: str = ""
    password: str = PASSWORD

    @property
    def display_name(self) -> str:
        """The whole name, as pages show it."""
        return f"{self.given_name} {self.surname}"


@dataclass(frozen=True, slots=True)
class University:
    """An identity provider to be: ``slug`` stands in its URLs, ``scope`` is its domain."""

    slug: str
    name: str
    english_name: str
    scope: str
    colour: str
    people: tuple[Person, ...]
    encrypts: bool = False
    releases_subject_id: bool = False
    remark: str = ""

    def person(self, username: str) -> Person | None:
        """The person with this user name."""
        return next((person for person in self.people if person.username == username), None)

    def attributes(self, person: Person) -> dict[str, list[str]]:
        """What this university says about the person, by attribute name."""
        affiliations = list(person.affiliations)
        attributes = {
            "eduPersonPrincipalName": [f"{person.username}@{self.scope}"],
            "eduPersonScopedAffiliation": [f"{affiliation}@{self.scope}" for affiliation in affiliations],
            "eduPersonAffiliation": affiliations,
            "eduPersonPrimaryAffiliation": affiliations[:1],
            "displayName": [person.display_name],
            "givenName": [person.given_name],
            "sn": [person.surname],
            "schacHomeOrganization": [self.scope],
        }
        if person.mail is not None:
            attributes["mail"] = [person.mail]
        if person.student_number is not None:
            attributes["supannEtuId"] = [person.student_number]
        if self.releases_subject_id:
            attributes["subject-id"] = [f"{person.username}-{self.slug}@{self.scope}"]
        return attributes


def _student(username: str, given_name: str, surname: str, mail: str, number: str, remark: str = "") -> Person:
    return Person(username, given_name, surname, mail, mail, student_number=number, remark=remark)


def _teacher(username: str, given_name: str, surname: str, mail: str) -> Person:
    return Person(username, given_name, surname, mail, mail, ("faculty", "employee", "member"), remark="enseignante")


def _unreleased(username: str, given_name: str, surname: str, typed_mail: str, number: str) -> Person:
    return Person(username, given_name, surname, None, typed_mail, student_number=number)


EXEMPLE = University(
    "univ-exemple",
    "Université d'Exemple",
    "Example University",
    "univ-exemple.fr",
    "#1b5e8c",
    (
        _student("cexemple", "Camille", "Exemple", "camille.exemple@etu.univ-exemple.fr", "20260001"),
        _student(
            "zlhermitte", "Zoé", "L'Hermitte-Brûlé", "zoe.lhermitte-brule@etu.univ-exemple.fr", "20260002",
            "accents et apostrophe",
        ),
        _teacher("bdespres", "Bérénice", "Desprès", "berenice.despres@univ-exemple.fr"),
        Person(
            "alegoff", "Anaïs", "Le Goff", "anais.le-goff@etu.univ-exemple.fr", "alegoff@etu.univ-exemple.fr",
            student_number="20260004", remark="tape une autre adresse que celle de l’université",
        ),
        Person(
            "udehors", "Ulysse", "Dehors", "ulysse.dehors@courriel-perso.example", "ulysse.dehors@univ-exemple.fr",
            student_number="20260005", remark="son université donne une adresse hors de son domaine : refusé",
        ),
        _student("mnguyen", "Maï", "Nguyễn", "mai.nguyen@etu.univ-exemple.fr", "20260006"),
    ),
    remark="assertions signées",
)  # fmt: skip

RIVEMARINE = University(
    "univ-rivemarine",
    "Université de Rivemarine",
    "University of Rivemarine",
    "univ-rivemarine.fr",
    "#00695c",
    (
        _student("elavague", "Élise", "Lavague", "elise.lavague@etu.univ-rivemarine.fr", "31400011"),
        _student("fdelamer", "François", "de la Mer", "francois.delamer@etu.univ-rivemarine.fr", "31400012"),
        _teacher("gphare", "Gaëlle", "Phare", "gaelle.phare@univ-rivemarine.fr"),
        _student("icote", "Inès", "Côte d'Albâtre", "ines.cote@univ-rivemarine.fr", "31400014"),
    ),
    encrypts=True,
    releases_subject_id=True,
    remark="assertions chiffrées, identifiant subject-id",
)

TROIS_VALLEES = University(
    "univ-troisvallees",
    "Université des Trois-Vallées",
    "Three Valleys University",
    "univ-troisvallees.fr",
    "#6a3d8f",
    (
        _unreleased("jval", "Jules", "Val", "jules.val@etu.univ-troisvallees.fr", "V-0001"),
        _unreleased("kmont", "Kenza", "Mont", "kenza.mont@etu.univ-troisvallees.fr", "V-0002"),
        _unreleased("lcombe", "Loïc", "Combe", "loic.combe@etu.univ-troisvallees.fr", "V-0003"),
        _unreleased("mgorge", "Maëlys", "Gorge", "maelys.gorge@etu.univ-troisvallees.fr", "V-0004"),
    ),
    remark="ne transmet aucune adresse : il faut l’indiquer et la prouver",
)

RIVEMARIN = University(
    "univ-rivemarin",
    "Université de Rivemarin",
    "University of Rivemarin",
    "univ-rivemarin.fr",
    "#a3432f",
    (
        _student("nport", "Noé", "Port", "noe.port@etu.univ-rivemarin.fr", "R26-101"),
        _student("oquai", "Océane", "Quai", "oceane.quai@etu.univ-rivemarin.fr", "R26-102"),
        _teacher("pdigue", "Pauline", "Digue", "pauline.digue@univ-rivemarin.fr"),
        _student("qnasse", "Quentin", "Nasse", "quentin.nasse@etu.univ-rivemarin.fr", "R26-104"),
    ),
    remark="presque le même nom qu'une autre",
)

UNIVERSITIES = (EXEMPLE, RIVEMARINE, TROIS_VALLEES, RIVEMARIN)
