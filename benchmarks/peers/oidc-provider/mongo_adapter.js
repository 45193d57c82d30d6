// Storage for oidc-provider: one collection per model, every lookup by an index, majority writes as ours.

const TOKENS = new Set(["AccessToken", "AuthorizationCode", "RefreshToken"]);
const GRANT_INDEX = { key: { "payload.grantId": 1 }, name: "grant" };
const UID_INDEX = { key: { "payload.uid": 1 }, name: "uid" };
const EXPIRY_INDEX = { key: { expiresAt: 1 }, name: "expiry", expireAfterSeconds: 0 };

export async function createIndexes(database) {
  for (const model of [...TOKENS, "Grant", "Session"]) {
    const indexes = [EXPIRY_INDEX];
    if (TOKENS.has(model)) indexes.push(GRANT_INDEX);
    if (model === "Session") indexes.push(UID_INDEX);
    await database.collection(model).createIndexes(indexes);
  }
}

export function adapterOn(database) {
  return class MongoAdapter {
    constructor(model) {
      this.documents = database.collection(model, { writeConcern: { w: "majority" } });
    }

    async upsert(id, payload, secondsToLive) {
      const expiry = secondsToLive ? { expiresAt: new Date(Date.now() + secondsToLive * 1000) } : {};
      await this.documents.replaceOne({ _id: id }, { payload, ...expiry }, { upsert: true });
    }

    find(id) {
      return this.payloadOf({ _id: id });
    }

    findByUid(uid) {
      return this.payloadOf({ "payload.uid": uid });
    }

    async findByUserCode() {
      return undefined; // the device flow is off
    }

    async consume(id) {
      await this.documents.updateOne({ _id: id }, { $set: { "payload.consumed": Math.floor(Date.now() / 1000) } });
    }

    async destroy(id) {
      await this.documents.deleteOne({ _id: id });
    }

    async revokeByGrantId(grantId) {
      await this.documents.deleteMany({ "payload.grantId": grantId });
    }

    async payloadOf(filter) {
      return (await this.documents.findOne(filter))?.payload;
    }
  };
}
