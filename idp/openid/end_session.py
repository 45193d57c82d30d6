"""Reading a logout request (OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3)."""

from dataclasses import dataclass

from idp.domain.clients import Client
from idp.openid.client_authentication import ClientLookup
from idp.openid.id_token import IdTokens, audience
from idp.openid.parameters import Pairs, given, is_sane, repeated
from idp.openid.redirect_uris import with_parameters
from idp.openid.subjects import Subjects

_LONGEST_STATE = 8192


@dataclass(frozen=True, slots=True)
class EndSessionRequest:
    """What a client asks when a person signs out there.

    hint_is_valid: an ID token of ours proves which client asks about which person and sign-in, and all else in the
        request fits it. Otherwise the person must confirm, and no redirect follows.
    subject: ``sub`` of the hint, as that client sees it; sid: the sign-in that it came from, as we call it.
    logout_hint: about whom the client believes the request to be: ``sub``, ``sid`` or a mail address.
    post_logout_redirect_uri: set only where it is registered for that client; state goes with it.
    """

    client: Client | None = None
    post_logout_redirect_uri: str | None = None
    state: str | None = None
    subject: str | None = None
    sid: str | None = None
    logout_hint: str | None = None
    hint_is_valid: bool = False

    @property
    def location(self) -> str | None:
        """Where the browser goes once signed out, with the client's state; None: a page of ours (section 3)."""
        if self.post_logout_redirect_uri is None:
            return None
        return with_parameters(self.post_logout_redirect_uri, {"state": self.state} if self.state else {})


def frontchannel_address(client: Client, issuer: str, sid: str) -> str:
    """What a browser loads so that this client ends its session there (Front-Channel Logout 1.0 section 2).

    sid: as the client calls the sign-in.
    """
    return with_parameters(client.frontchannel_logout_uri, {"iss": issuer, "sid": sid})


def read_end_session(
    pairs: Pairs, find_client: ClientLookup, id_tokens: IdTokens, subjects: Subjects
) -> EndSessionRequest:
    """What can be believed of the request; whatever does not fit makes it an anonymous one, never an error."""
    parameters = given(pairs)
    hint = parameters.get("id_token_hint")
    if hint is None or not is_sane(pairs) or repeated(pairs):
        return EndSessionRequest()
    claims = id_tokens.read_hint(hint)
    client_id = audience(claims) if claims else None
    client = find_client(client_id) if client_id else None
    if claims is None or client is None or parameters.get("client_id", client_id) != client_id:
        return EndSessionRequest()
    uri = parameters.get("post_logout_redirect_uri")
    state = parameters.get("state", "")
    if (uri is not None and uri not in client.post_logout_redirect_uris) or len(state) > _LONGEST_STATE:
        return EndSessionRequest()
    sid = claims.get("sid")
    return EndSessionRequest(
        client=client,
        post_logout_redirect_uri=uri,
        state=state or None,
        subject=claims["sub"],
        sid=subjects.sid_behind(client, sid) if isinstance(sid, str) else None,
        logout_hint=parameters.get("logout_hint"),
        hint_is_valid=True,
    )
