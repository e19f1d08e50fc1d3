import { readFile } from "node:fs/promises";

/**
 * The bytes that a URL names; Node's fetch knows no files.
 *
 * @param {URL} url
 */
export async function read(url) {
  if (url.protocol === "file:") return new Uint8Array(await readFile(url));
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
