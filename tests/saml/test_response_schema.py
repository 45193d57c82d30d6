"""The schemas are built once in a process, however many first answers come at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from idp.saml import response_schema
from idp.saml.response_schema import is_valid
from tests.saml import identity_provider as university

AT_ONCE = 16


def test_first_answers_at_the_same_moment_build_the_schemas_once(key: university.Key) -> None:
    """libxml2 prepares its built-in types without a lock (libxml2 issue 930): two builds at once end the process."""
    response_schema._built.cache_clear()
    root, together = university.signed(university.Draft(), key), Barrier(AT_ONCE)

    def first(_: int) -> int:
        together.wait()
        assert is_valid(root)
        return id(response_schema._schema())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert len(set(pool.map(first, range(AT_ONCE)))) == 1
    assert response_schema._built.cache_info().misses == 1
