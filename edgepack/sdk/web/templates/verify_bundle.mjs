// Verifies an edgepack bundle with WebCrypto alone: browsers, workers, Node 20, React Native with a WebCrypto module.
//
// Pin the public key in the app. What was signed is written again from what was read and compared to the byte: so
// nothing can be read in two ways. Refuses all that `edgepack verify` does, except what only the manifest's full JSON
// Schema says. Keys are P-256, as `edgepack keygen` makes them.

import { parseStrictly } from "./strict_json.mjs";

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n >> 1n;

export class Refused extends Error {}

/**
 * The manifest of a bundle in which every byte is as it was when the key signed it.
 *
 * @param {Map<string, Uint8Array>} files every file of the bundle by its name, `/` between folders; use these bytes
 *     afterwards too, not what lies on a disk
 * @param {string} pem the signer's public key: the text of the `.pub` file that `edgepack keygen` wrote
 * @param {{minVersion?: number, expectName?: string, nowUtc?: string}} policy the oldest version that is welcome
 *     (remember the last one, and an old bundle that is sent again is refused), the model's name, and the moment
 *     that expiry is judged at (`YYYY-MM-DDTHH:MM:SSZ`)
 */
export async function verifyBundle(files, pem, { minVersion, expectName, nowUtc } = {}) {
  const payload = await payloadOf(fileOf(files, "model.sig"), pem);
  const { signed, name } = await statementOf(payload);
  for (const found of files.keys()) {
    if (found !== "model.sig" && !signed.has(found)) throw new Refused(`${found}: not signed`);
  }
  for (const [file, digest] of signed) {
    if ((await sha256(fileOf(files, file))) !== digest) throw new Refused(`${file}: changed since it was signed`);
  }
  const manifest = strictly(fileOf(files, "manifest.json"), "manifest.json");
  checkManifest(manifest, signed, name);
  if (minVersion && !(Number.isInteger(manifest.version) && manifest.version >= minVersion)) {
    throw new Refused(`manifest.json: version ${manifest.version} is older than ${minVersion}`);
  }
  if (expectName !== undefined && expectName !== name) throw new Refused(`manifest.json: holds ${name}`);
  const now = nowUtc ?? new Date().toISOString().slice(0, 19) + "Z";
  if (manifest.expires_utc !== undefined && !(text(manifest.expires_utc) > now)) {
    throw new Refused(`manifest.json: expired at ${manifest.expires_utc}`);
  }
  return manifest;
}

/** What model.sig signs, once the key has verified it. */
async function payloadOf(file, pem) {
  const der = bytesOf(pem.replace(/-----[A-Z ]+-----|\s/g, ""), "the key");
  const lines = base64(der).match(/.{1,64}/g).join("\n");
  const keyId = await sha256(utf8(`-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`));
  const found = strictly(file, "model.sig").dsseEnvelope;
  const [payload64, sig64] = [text(found?.payload), text(one(found?.signatures)?.sig)];
  const again = JSON.stringify({
    dsseEnvelope: { payload: payload64, payloadType: PAYLOAD_TYPE, signatures: [{ keyid: keyId, sig: sig64 }] },
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: keyId }, tlogEntries: [] },
  });
  if (!same(utf8(again), file)) throw new Refused("model.sig: not by this key, or not in the one form");
  const payload = bytesOf(payload64, "model.sig");
  const before = utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const pae = new Uint8Array([...before, ...payload]);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("spki", der, algorithm, false, ["verify"]);
  if (!(await crypto.subtle.verify(algorithm, key, plainSignature(bytesOf(sig64, "model.sig")), pae))) {
    throw new Refused("model.sig: the signature does not fit what it signs");
  }
  return payload;
}

/** WebCrypto's form of a signature, r and s side by side; it must be strict DER with the smaller s. */
function plainSignature(der) {
  const number = (bytes) => BigInt("0x" + (hex(bytes) || "0"));
  const integer = (value) => {
    const digits = value.toString(16);
    const even = digits.length % 2 ? "0" + digits : digits;
    const body = /^[89a-f]/.test(even) ? "00" + even : even;
    return "02" + (body.length / 2).toString(16).padStart(2, "0") + body;
  };
  const split = 4 + (der[3] ?? 0);
  const [r, s] = [number(der.slice(4, split)), number(der.slice(split + 2))];
  const body = integer(r) + integer(s);
  if (r === 0n || s === 0n || s > HALF_ORDER || hex(der) !== "30" + (body.length / 2).toString(16) + body) {
    throw new Refused("model.sig: not strict DER with the smaller s");
  }
  return new Uint8Array([r, s].flatMap((n) => n.toString(16).padStart(64, "0").match(/../g)).map((b) => parseInt(b, 16)));
}

/** The SHA-256 of every signed file, by name, and the model's name; the statement must be in its one form. */
async function statementOf(payload) {
  const statement = strictly(payload, "model.sig");
  const name = text(one(statement.subject)?.name);
  const [signed, folded, folders] = [new Map(), new Set(), new Map()];
  let last = new Uint8Array();
  for (const resource of list(statement.predicate?.resources)) {
    const [file, digest] = [text(resource?.name), text(resource?.digest)];
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new Refused("model.sig: a digest that is no sha256");
    checkName(file);
    if (compare(last, utf8(file)) >= 0) throw new Refused(`model.sig: ${file}: twice or out of order`);
    last = utf8(file);
    if (folded.has(fold(file))) throw new Refused(`model.sig: ${file}: differs from another by case only`);
    folded.add(fold(file));
    for (let slash = file.indexOf("/"); slash >= 0; slash = file.indexOf("/", slash + 1)) {
      const folder = file.slice(0, slash);
      if ((folders.get(fold(folder)) ?? folder) !== folder) throw new Refused(`model.sig: ${file}: folder's case`);
      folders.set(fold(folder), folder);
    }
    signed.set(file, digest);
  }
  if (signed.has("model.sig")) throw new Refused("model.sig: names itself");
  if (!signed.has("manifest.json")) throw new Refused("model.sig: does not cover manifest.json");
  const digests = [...signed.values()].join("").match(/../g);
  const root = await sha256(new Uint8Array(digests.map((b) => parseInt(b, 16))));
  const again = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    predicate: {
      resources: [...signed].map(([file, digest]) => ({ algorithm: "sha256", digest, name: file })),
      serialization: {
        allow_symlinks: false,
        hash_type: "sha256",
        ignore_paths: [".git", ".gitattributes", ".github", ".gitignore", "model.sig"],
        method: "files",
      },
    },
    predicateType: "https://model_signing/signature/v1.0",
    subject: [{ digest: { sha256: root }, name }],
  });
  if (!same(utf8(again), payload)) throw new Refused("model.sig: the statement is not in its one form");
  return { signed, name };
}

/** What the manifest says of the files must be what was signed. */
function checkManifest(manifest, signed, name) {
  if (manifest?.schema_version !== 1) throw new Refused("manifest.json: another version");
  if (manifest.name !== name) throw new Refused("manifest.json: not the name that was signed");
  const [named, roots, files] = [new Set(), [], []];
  for (const artifact of list(manifest.artifacts)) {
    checkName(text(artifact?.path));
    roots.push(artifact.path + "/");
    files.push(...list(artifact.files));
  }
  for (const file of [...files, manifest.golden]) {
    const path = text(file?.path);
    if (!signed.has(path) || signed.get(path) !== file.sha256) {
      throw new Refused(`manifest.json: ${path}: missing, or not the sha256 that was signed`);
    }
    if (named.has(path)) throw new Refused(`manifest.json: ${path}: named twice`);
    named.add(path);
  }
  for (const file of signed.keys()) {
    if (!named.has(file) && roots.some((root) => file.startsWith(root))) {
      throw new Refused(`${file}: inside an artifact, but not in manifest.json`);
    }
  }
}

function checkName(name) {
  const plain = name.split("/").every((part) => !["", ".", ".."].includes(part) && !/^\.git/i.test(part));
  if (!plain || /[\\:]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(name)) {
    throw new Refused(`a name that no bundle may hold: ${JSON.stringify(name)}`);
  }
}

/** The form in which names are one and the same for a file system that does not tell letter case apart. */
function fold(name) {
  return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

function strictly(bytes, file) {
  try {
    return parseStrictly(bytes);
  } catch (error) {
    throw new Refused(`${file}: ${error.message}`);
  }
}

function fileOf(files, name) {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Refused(`${name}: missing`);
  return bytes;
}

function text(value) {
  if (typeof value === "string") return value;
  throw new Refused("not of the form of a bundle: no text where it must be");
}

function list(value) {
  if (Array.isArray(value)) return value;
  throw new Refused("not of the form of a bundle: no list where one must be");
}

function one(value) {
  if (list(value).length === 1) return value[0];
  throw new Refused(`not of the form of a bundle: ${value.length} where one must be`);
}

function bytesOf(text64, file) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text64) || text64.length % 4) throw new Refused(`${file}: not base64`);
  const bytes = Uint8Array.from(atob(text64), (c) => c.charCodeAt(0));
  if (base64(bytes) !== text64) throw new Refused(`${file}: base64 that is not in its one form`);
  return bytes;
}

function base64(bytes) {
  let characters = "";
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return btoa(characters);
}

async function sha256(bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function utf8(string) {
  return new TextEncoder().encode(string);
}

function compare(a, b) {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

function same(a, b) {
  return compare(a, b) === 0;
}
