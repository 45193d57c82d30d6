"""What people leave in the database: a few really come, and a crowd is made after them and weighed."""

from contextlib import closing
from dataclasses import replace
from functools import partial

from benchmarks.capacity.population import Documents, Size, left_by, multiply, sizes
from benchmarks.database import Mongod
from benchmarks.parts import Options
from benchmarks.sign_in.browser import InProcessBrowser
from benchmarks.sign_in.journeys import JOURNEYS, Journey
from benchmarks.sign_in.world import Person, World
from idp import app
from idp.app.mail import mail_delivery

_PASSWORD, _CODE, _FIRST = JOURNEYS[:3]
# How often each of those who really come signs in afterwards: once of these with a mailed code.
_RETURNS = 4
# A crowd of this part of the accounts is made, its size multiplied: documents and index entries grow with their number.
_SAMPLE = 5


def stored(options: Options, made: World, mongod: Mongod) -> tuple[dict[str, Size], dict[str, Size]]:
    """Sizes for ``options.accounts``: what first proofs leave, and what one more sign-in of each leaves."""
    proofs, returns = _images(options, made, mongod)
    return _sizes(options, made, mongod, "proofs", proofs), _sizes(options, made, mongod, "returns", returns)


def _images(options: Options, made: World, mongod: Mongod) -> tuple[list[Documents], list[Documents]]:
    """What a few people leave, each in a browser of their own."""
    services = made.services()
    services.federation.refresh()
    made.know_provider(services)
    application, sending = app.create_app(services), mail_delivery(services)
    made.mails.before_waiting = lambda: sending.deliver_next("sender", services.clock())
    database = mongod.client[made.environment["IDP_MONGODB_DATABASE"]]
    proofs, returns = [], []

    def walk(journey: Journey, person: Person) -> None:
        journey.walk(made, InProcessBrowser(application, made.issuer), person)

    for _ in range(options.images):
        person = made.person()
        proofs.append(left_by(database, partial(walk, _FIRST, person)))
        returns += [left_by(database, partial(walk, _PASSWORD, person)) for _ in range(_RETURNS - 1)]
        returns.append(left_by(database, partial(walk, _CODE, person)))
    made.mails.before_waiting = lambda: None
    services.database.close()
    return proofs, returns


def _sizes(options: Options, made: World, mongod: Mongod, name: str, images: list[Documents]) -> dict[str, Size]:
    filled = f"bench_capacity_{name}"
    mongod.drop(filled)
    crowd = replace(made, environment=made.environment | {"IDP_MONGODB_DATABASE": filled})
    with closing(crowd.services().database) as database:
        database.create_indexes(app.INDEXES)
        copies = max(1, options.accounts // _SAMPLE)
        # Numbers that nobody really had.
        multiply(images, copies, mongod.client[filled], 50_000_000)
    found = sizes(mongod.client[filled])
    mongod.drop(filled)
    return {collection: size.times(options.accounts / copies) for collection, size in found.items()}
