// Whether npm's own sigstore verifier accepts each of the signatures on standard input: {root, identity, issuer, bundle}.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const modules = execFileSync("npm", ["root", "--global"], { encoding: "utf8" }).trim();
const load = createRequire(`${modules}/npm/package.json`);
const { bundleFromJSON } = load("@sigstore/bundle");
const { TrustedRoot } = load("@sigstore/protobuf-specs");
const { Verifier, toSignedEntity, toTrustMaterial } = load("@sigstore/verify");

const said = JSON.parse(readFileSync(0, "utf8")).map(({ root, identity, issuer, bundle }) => {
  try {
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)));
    const name = identity.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle))), {
      subjectAlternativeName: `^${name}$`,
      extensions: { issuer },
    });
    return "";
  } catch (error) {
    return String(error.message || error);
  }
});
console.log(JSON.stringify(said));
