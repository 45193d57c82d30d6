// A relying party on openid-client, led by a test: one JSON line out for each step, one line in to go on.
// Arguments: issuer, client_id, client_secret, redirect_uri, post_logout_redirect_uri.

import { createInterface } from "node:readline";
import * as client from "openid-client";

const [issuer, clientId, secret, redirectUri, afterLogout] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (step) => console.log(JSON.stringify(step));
const hear = async () => (await lines.next()).value;

const config = await client.discovery(
  new URL(issuer), clientId, {}, client.ClientSecretBasic(secret), { execute: [client.allowInsecureRequests] },
);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
tell({
  go_to: client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid profile email offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).href,
});

const tokens = await client.authorizationCodeGrant(config, new URL(await hear()), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
});
const claims = tokens.claims();
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
tell({
  claims,
  userinfo,
  rotated: refreshed.refresh_token !== tokens.refresh_token && refreshed.access_token !== tokens.access_token,
  go_to: client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: afterLogout, id_token_hint: tokens.id_token, state,
  }).href,
  state,
});

await hear();
const error = async (call) => {
  try {
    await call();
    return "none";
  } catch (problem) {
    return problem.error ?? problem.cause?.[0]?.parameters?.error ?? problem.code ?? String(problem);
  }
};
tell({
  refresh: await error(() => client.refreshTokenGrant(config, refreshed.refresh_token)),
  userinfo: await error(() => client.fetchUserInfo(config, refreshed.access_token, claims.sub)),
});
process.exit(0);
