"""No log line at any level holds a secret, whatever the level and however things go wrong."""

import io
import logging
from collections.abc import Callable, Iterator

import pytest

from idp.domain.errors import ProtocolError
from tests.openid.world import SECRET, VERIFIER, World, basic


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Root at the lowest level, with every attribute of each record written out."""
    stream = io.StringIO()

    class All(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            stream.write(f"{record.getMessage()} {vars(record)}\n")

    root, handler = logging.getLogger(), All(level=0)
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def test_pyop_fault_a_whole_flow_logs_no_code_token_secret_or_authorization(
    world: World, everything_logged: io.StringIO
) -> None:
    for name in ("pyop.provider", "pyop.access_token", "oic.oauth2.message"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    code = world.code(claims='{"id_token": {"email": null}}')
    tokens = world.exchange(code)
    world.userinfo(tokens["access_token"])
    refreshed = world.refresh(tokens["refresh_token"])
    refused: tuple[Callable[[], object], ...] = (
        lambda: world.exchange(code),
        lambda: world.exchange(world.code(), code_verifier="w" * 43),
        lambda: world.exchange(world.code(), basic("portail", "a-wrong-secret")),
        lambda: world.refresh(tokens["refresh_token"]),
        lambda: world.userinfo(refreshed["access_token"]),
    )
    for again in refused:
        with pytest.raises(ProtocolError):
            again()
    for name in ("pyop.provider", "pyop.access_token", "oic.oauth2.message"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logged = everything_logged.getvalue()
    assert "authorization_code_reused" in logged
    secrets = [code, SECRET, VERIFIER, basic(), basic().split()[1], "a-wrong-secret"]
    secrets += [answer[name] for answer in (tokens, refreshed) for name in ("access_token", "refresh_token")]
    secrets += [tokens["id_token"]]
    assert not [secret for secret in secrets if secret in logged]


def test_refusals_never_quote_what_was_sent(world: World) -> None:
    code = world.code()
    with pytest.raises(ProtocolError) as caught:
        world.exchange(code, code_verifier="w" * 43)
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert not [text for text in (code, "w" * 43) for error in chain if text in repr(error)]
