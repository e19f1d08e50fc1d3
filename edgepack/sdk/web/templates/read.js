/**
 * The bytes that a URL names.
 *
 * @param {URL} url
 */
export async function read(url) {
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
