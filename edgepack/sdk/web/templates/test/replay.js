// The golden rows: what the server answered, and how far this model is from it.

import { INTERFACE } from "../contract.js";
import { MEMBERS } from "./expected.js";

/** @typedef {import("./expected.js").Limits} Limits */
/** @typedef {{ rows: { inputs: Record<string, any>, answers: Record<string, any> }[] }} Golden */

/**
 * The rows as the model is asked them.
 *
 * @param {Golden} golden
 * @returns {any[]}
 */
export function asked(golden) {
  return golden.rows.map(({ inputs }) =>
    Object.fromEntries(
      MEMBERS.map(([column, member]) => [member, inputs[column]]),
    ),
  );
}

/**
 * A line for each answer that is not the server's.
 *
 * @param {Golden} golden
 * @param {any[]} answers
 * @param {Limits} limits
 */
export function differences(golden, answers, limits) {
  return golden.rows.flatMap(({ answers: server }, row) =>
    INTERFACE.outputs
      .filter((name) => !agrees(name, server, answers[row], limits))
      .map(
        (name) =>
          `row ${row}: ${name} is ${JSON.stringify(answers[row][name])}, the server says ${JSON.stringify(server[name])}`,
      ),
  );
}

/**
 * @param {string} name
 * @param {Record<string, any>} server
 * @param {Record<string, any>} answer
 * @param {Limits} limits
 */
function agrees(name, server, answer, limits) {
  if (name === "label") {
    return answer.label === server.label || tied(server, limits);
  }
  const [wanted, given] = [[server[name]].flat(), [answer[name]].flat()];
  const limit = limits[name];
  return (
    wanted.length === given.length &&
    wanted.map(number).every((value, k) => {
      if (Object.is(value, given[k])) return true;
      const scale = name === "value" ? Math.max(1, Math.abs(value)) : 1;
      return Math.abs(value - given[k]) <= limit * scale;
    })
  );
}

/**
 * Whether the server's two best classes are too near to tell apart.
 *
 * @param {Record<string, any>} server
 * @param {Limits} limits
 */
function tied(server, limits) {
  if (server.probabilities === undefined) return false;
  const [second, best] = server.probabilities
    .map(number)
    .sort((/** @type {number} */ a, /** @type {number} */ b) => a - b)
    .slice(-2);
  return best - second <= limits.tie;
}

/** @param {any} value a number, or `{"float": "inf"}` */
function number(value) {
  if (typeof value === "number") return value;
  return { inf: Infinity, "-inf": -Infinity }[String(value.float)] ?? NaN;
}
