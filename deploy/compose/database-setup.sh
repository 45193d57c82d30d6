#!/bin/bash
# Makes the replica set and the provider's user; doing it again changes nothing.
set -euo pipefail

export ROOT_PASSWORD IDP_PASSWORD
ROOT_PASSWORD=$(cat /run/secrets/mongodb-root-password)
IDP_PASSWORD=$(cat /run/secrets/mongodb-idp-password)

# Passwords reach mongosh by its environment: arguments would show them to everybody on the machine.
# The replica set is made by the node that has the root user from its image.
mongosh --quiet mongodb://mongodb-1/admin --eval '
  db.auth("root", process.env.ROOT_PASSWORD);
  try {
    rs.status();
  } catch (problem) {
    if (problem.codeName !== "NotYetInitialized") throw problem;
    const members = [1, 2, 3].map((number) => ({_id: number, host: `mongodb-${number}:27017`}));
    // With the default of ten seconds a killed primary costs eleven (docs/chaos.md).
    rs.initiate({_id: "idp", members, settings: {electionTimeoutMillis: 2000}});
  }
  quit();
'
# Any of the three may be its primary, now or at a later start.
mongosh --quiet "mongodb://mongodb-1,mongodb-2,mongodb-3/admin?replicaSet=idp&serverSelectionTimeoutMS=60000" --eval '
  db.auth("root", process.env.ROOT_PASSWORD);
  const users = db.getSiblingDB("idp");
  const roles = [{role: "readWrite", db: "idp"}];
  if (users.getUser("idp")) users.updateUser("idp", {pwd: process.env.IDP_PASSWORD, roles});
  else users.createUser({user: "idp", pwd: process.env.IDP_PASSWORD, roles});
  quit();
'
