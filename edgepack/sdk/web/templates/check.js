// What the server would refuse is refused here too, field by field in the inputs' order.

import { INTERFACE } from "./contract.js";
import { ModelError } from "./errors.js";

const LARGEST = 3.4028234663852886e38; // of float32

/**
 * One input's values in a row: numbers, NaN where missing, or texts, null where missing.
 *
 * @param {import("./contract-types.d.ts").Input} input
 * @param {string} name its name in code
 * @param {ReadonlySet<unknown> | null} known
 * @param {unknown} given
 * @returns {(string | number | null)[]}
 */
export function checked(input, name, known, given) {
  if (input.width > 1 && (!isList(given) || given.length !== input.width)) {
    if (given === undefined || given === null) throw missing(name);
    throw new ModelError("wrongLength", name, `not a list of ${input.width}`);
  }
  const values =
    input.width > 1
      ? Array.from(/** @type {ArrayLike<unknown>} */ (given))
      : [given];
  return values.map((value) =>
    (input.kind === "number" ? number : text)(input, name, known, value),
  );
}

/**
 * @param {import("./contract-types.d.ts").Input} input
 * @param {string} name
 * @param {ReadonlySet<unknown> | null} known
 * @param {unknown} value
 */
function number(input, name, known, value) {
  const given = value ?? NaN;
  if (typeof given !== "number")
    throw new TypeError(`${name}: ${typeof given} is not a number`);
  if (Number.isNaN(given)) {
    if (!input.accepts_missing) throw missing(name);
    return given;
  }
  if (!Number.isFinite(given))
    throw new ModelError("notFinite", name, `${given} is not finite`);
  if (INTERFACE.input_dtype === "float64") return among(name, known, given);
  const narrow = Math.fround(given);
  if (Math.abs(narrow) > LARGEST)
    throw new ModelError("outOfRange", name, `${given} is beyond float32`);
  return among(name, known, narrow);
}

/**
 * @param {import("./contract-types.d.ts").Input} input
 * @param {string} name
 * @param {ReadonlySet<unknown> | null} known
 * @param {unknown} value
 */
function text(input, name, known, value) {
  const given = value ?? null;
  if (given === null) {
    if (!input.accepts_missing) throw missing(name);
    return given;
  }
  if (typeof given !== "string")
    throw new TypeError(`${name}: ${typeof given} is not a text`);
  if (input.accepts_missing && given === input.missing_token) {
    throw new ModelError(
      "reservedText",
      name,
      `${JSON.stringify(given)} is the word for missing; leave it out`,
    );
  }
  return among(name, known, given);
}

/**
 * @template T
 * @param {string} name
 * @param {ReadonlySet<unknown> | null} known
 * @param {T} value
 */
function among(name, known, value) {
  if (known === null || known.has(value)) return value;
  throw new ModelError(
    "unknownCategory",
    name,
    `${JSON.stringify(value)} is none of the ${known.size} categories`,
  );
}

/** @param {string} name */
function missing(name) {
  return new ModelError(
    "missing",
    name,
    "missing; the model needs a value here",
  );
}

/**
 * @param {unknown} value
 * @returns {value is ArrayLike<unknown>}
 */
function isList(value) {
  return (
    Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value)
  );
}
