// From a text to what the model takes: which terms there are, and how often, to the letter as the server counts them.

import { COMBINING, PATTERNS, SPACES } from "./contract.js";

const SPACE_RUN = new RegExp(`[${SPACES}]+`, "gv");
const TWO_SPACES = new RegExp(`[${SPACES}][${SPACES}]+`, "gv");
const MARKS = new RegExp(`[${COMBINING}]`, "gv");

/**
 * A row of counts.
 *
 * @param {import("./contract-types.d.ts").TextStep} step
 * @param {number} k the step's place among the steps
 */
export function counter(step, k) {
  const places = new Map(step.vocabulary?.map((term, place) => [term, place]));
  const width = step.vocabulary?.length ?? step.hashed ?? 0;
  /** @type {(term: string) => [number | undefined, number]} */
  const find = (term) => {
    if (step.vocabulary !== null) return [places.get(term), 1];
    const hash = murmur3(new TextEncoder().encode(term));
    return [Math.abs(hash) % width, step.alternate_sign && hash < 0 ? -1 : 1];
  };
  const split = splitter(step.analyzer, PATTERNS[k] ?? null);
  return {
    width,
    /** @param {string | null} text */
    count(text) {
      const row = new Float32Array(width);
      for (const term of text === null ? [] : split(text)) {
        const [place, sign] = find(term);
        if (place !== undefined)
          row[place] = step.binary ? 1 : row[place] + sign;
      }
      return row;
    },
  };
}

/**
 * All terms of a text.
 *
 * @param {import("./contract-types.d.ts").Analyzer} analyzer
 * @param {string | null} pattern
 * @returns {(text: string) => string[]}
 */
function splitter(analyzer, pattern) {
  const [shortest, longest] = analyzer.ngrams;
  const stopped = new Set(analyzer.stop_words);
  const words = pattern === null ? null : new RegExp(pattern, "gv");
  return (given) => {
    const text = plain(given, analyzer);
    if (analyzer.unit === "whole") return [(analyzer.prefix ?? "") + text];
    if (words !== null) {
      const found = [...text.matchAll(words)].map((m) =>
        m.length > 1 ? (m[1] ?? "") : m[0],
      );
      const kept = found.filter((word) => !stopped.has(word));
      return runs(kept, shortest, longest).map((run) => run.join(" "));
    }
    const line = text.replace(TWO_SPACES, " ");
    if (analyzer.unit === "char")
      return runs(Array.from(line), shortest, longest).map((run) =>
        run.join(""),
      );
    const parts = line.split(SPACE_RUN).filter((word) => word !== "");
    return parts.flatMap((word) =>
      within(Array.from(` ${word} `), shortest, longest),
    );
  };
}

/**
 * @param {string} text
 * @param {import("./contract-types.d.ts").Analyzer} analyzer
 */
function plain(text, analyzer) {
  const folded = analyzer.lowercase ? text.toLowerCase() : text;
  if (analyzer.strip_accents === null) return folded;
  const parts = folded.normalize("NFKD");
  return analyzer.strip_accents === "ascii"
    ? parts.replace(/[^\0-\x7f]/gu, "")
    : parts.replace(MARKS, "");
}

/**
 * @param {string[]} units
 * @param {number} shortest
 * @param {number} longest
 */
function runs(units, shortest, longest) {
  const found = [];
  for (
    let length = shortest;
    length <= Math.min(longest, units.length);
    length++
  ) {
    for (let start = 0; start + length <= units.length; start++)
      found.push(units.slice(start, start + length));
  }
  return found;
}

/**
 * Runs within a word; one that is shorter than the run is a term of its own, once.
 *
 * @param {string[]} word
 * @param {number} shortest
 * @param {number} longest
 */
function within(word, shortest, longest) {
  const found = [];
  for (let length = shortest; length <= longest; length++) {
    if (length >= word.length) return [...found, word.join("")];
    for (let start = 0; start + length <= word.length; start++)
      found.push(word.slice(start, start + length).join(""));
  }
  return found;
}

/**
 * The signed 32-bit MurmurHash3 (x86, seed 0).
 *
 * @param {Uint8Array} bytes
 */
function murmur3(bytes) {
  const whole = bytes.length & ~3;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = 0;
  for (let at = 0; at < whole; at += 4) {
    hash ^= mixed(view.getInt32(at, true));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= whole; at--)
    rest = (rest << 8) | bytes[at];
  if (bytes.length > whole) hash ^= mixed(rest);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** @param {number} block */
function mixed(block) {
  const turned = Math.imul(block, 0xcc9e2d51);
  return Math.imul((turned << 15) | (turned >>> 17), 0x1b873593);
}
