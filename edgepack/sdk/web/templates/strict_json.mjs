// JSON that can be read in one way only: UTF-8, no key twice, no number that a double cannot hold, no half of a
// surrogate pair. JSON.parse does the parsing; what it would pass over is looked for before.

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/gsy;

/** The value of a JSON text. Throws an Error where it can be read in two ways or is none. */
export function parseStrictly(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const value = JSON.parse(text); // the grammar; a key twice and 1e999 get through
  const open = []; // a set of keys per object that is open, null per list
  let keyNext = false;
  for (const [, mark, quoted, word] of text.matchAll(TOKEN)) {
    if (mark === "{") open.push(new Set());
    if (mark === "[") open.push(null);
    if (mark === "}" || mark === "]") open.pop();
    if (open.length > 200) throw new Error("not strict JSON: nested too deep");
    if (quoted !== undefined) {
      const string = JSON.parse(quoted);
      if (!string.isWellFormed()) throw new Error("not strict JSON: half of a surrogate pair");
      if (keyNext) {
        const keys = open.at(-1);
        if (keys.has(string)) throw new Error(`not strict JSON: the key ${quoted} twice`);
        keys.add(string);
      }
    }
    if (word !== undefined && /^[-0-9]/.test(word) && !Number.isFinite(Number(word)) && /[.eE]/.test(word)) {
      throw new Error("not strict JSON: a number that no double holds");
    }
    keyNext = mark === "{" || (mark === "," && open.at(-1) instanceof Set);
  }
  return value;
}
