// node verify_folder.mjs [--min-version N] [--expect-name NAME] [--now YYYY-MM-DDTHH:MM:SSZ] KEY.pub FOLDER...
//
// Prints a line per folder: `verified`, or `refused` and why. Exits with 6 if any is refused.

import { lstatSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Refused, verifyBundle } from "../../edgepack/sdk/web/templates/verify_bundle.mjs";

/** Every file of a folder by its name; plain files and filled folders only, as in every bundle. */
function read(folder, at = "", files = new Map()) {
  const names = readdirSync(join(folder, at));
  if (names.length === 0) throw new Refused(`${at}: an empty folder`);
  for (const name of names) {
    const kind = lstatSync(join(folder, at, name));
    if (kind.isDirectory()) read(folder, `${at}${name}/`, files);
    else if (kind.isFile()) files.set(at + name, readFileSync(join(folder, at, name)));
    else throw new Refused(`${at}${name}: a link or special file`);
  }
  return files;
}

const option = { type: "string" };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "min-version": option, "expect-name": option, now: option },
});
const [key, ...folders] = positionals;
const pem = readFileSync(key, "ascii");
const policy = { minVersion: Number(values["min-version"] ?? 0), expectName: values["expect-name"], nowUtc: values.now };
for (const folder of folders) {
  let verdict = "verified";
  try {
    await verifyBundle(read(folder), pem, policy);
  } catch (error) {
    verdict = `refused: ${error.message}`;
    process.exitCode = 6;
  }
  console.log(`${folder}: ${verdict.replaceAll("\n", "\\n")}`);
}
