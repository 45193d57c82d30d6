// oidc-provider with the features that the benchmark uses, over several processes that share one port.
//
// BENCH: a JSON object {port, workers, mongodb_uri, database, jwks_file, client_secret, clients, redirect_uri}, where
// clients has the client_id for the code flow (`flow`) and the one that gets refresh tokens (`offline`).
// Accounts are documents {_id, claims} of the collection `accounts`, put there by the benchmark.

import cluster from "node:cluster";
import { readFileSync } from "node:fs";
import { MongoClient } from "mongodb";
import { Provider } from "oidc-provider";
import { adapterOn, createIndexes } from "./mongo_adapter.js";

const bench = JSON.parse(process.env.BENCH);
const DAY = 24 * 3600;

if (cluster.isPrimary) {
  for (let number = 0; number < bench.workers; number += 1) cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  await serve();
}

async function serve() {
  const mongo = await new MongoClient(bench.mongodb_uri).connect();
  const database = mongo.db(bench.database);
  await createIndexes(database);
  const provider = new Provider(`http://127.0.0.1:${bench.port}`, configuration(database));
  provider.use(signInWithoutPages(provider));
  provider.on("server_error", (_ctx, error) => console.error(error));
  provider.listen(bench.port, "127.0.0.1");
}

function configuration(database) {
  const accounts = database.collection("accounts");
  return {
    adapter: adapterOn(database),
    clients: [client(bench.clients.flow, ["authorization_code"]),
      client(bench.clients.offline, ["authorization_code", "refresh_token"])],
    jwks: JSON.parse(readFileSync(bench.jwks_file, "utf8")),
    claims: {
      openid: ["sub"],
      profile: ["name", "given_name", "family_name", "locale", "updated_at"],
      email: ["email", "email_verified"],
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    async findAccount(_ctx, id) {
      const account = await accounts.findOne({ _id: id });
      return account ? { accountId: id, claims: async () => ({ sub: id, ...account.claims }) } : undefined;
    },
    pkce: { required: () => true },
    // Every refresh gives a successor, as ours does; who has the grant type gets a refresh token without `consent`.
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, asking) => asking.grantTypeAllowed("refresh_token"),
    expiresWithSession: async (ctx) => ctx.oidc.client.clientId === bench.clients.flow,
    ttl: {
      AccessToken: 3600, AuthorizationCode: 60, IdToken: 3600,
      RefreshToken: 30 * DAY, Grant: 90 * DAY, Session: DAY / 2, Interaction: 3600,
    },
  };
}

function client(clientId, grantTypes) {
  return {
    client_id: clientId,
    client_secret: bench.client_secret,
    redirect_uris: [bench.redirect_uri],
    grant_types: grantTypes,
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
  };
}

// GET /bench/sign-in?account=…: a session of this account with a grant for each client, before anything is measured.
function signInWithoutPages(provider) {
  return async (ctx, next) => {
    if (ctx.path !== "/bench/sign-in") return next();
    const session = await provider.Session.get(ctx);
    session.loginAccount({ accountId: ctx.query.account, amr: ["pwd"] });
    for (const clientId of Object.values(bench.clients)) {
      const grant = new provider.Grant({ accountId: ctx.query.account, clientId });
      grant.addOIDCScope("openid profile email offline_access");
      session.ensureClientContainer(clientId);
      session.grantIdFor(clientId, await grant.save(90 * DAY));
    }
    await session.save(DAY / 2);
    ctx.body = { cookie: `${provider.cookieName("session")}=${session.id}` };
  };
}
