// Frames from standard input to a function and back to standard output, one at a time, until the input ends.
import { writeSync } from 'node:fs';
import { frameLength } from './frames.mjs';

export function send(bytes) {
  for (let at = 0; at < bytes.length;) {
    try { at += writeSync(1, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
}

export async function serve(reply) {
  let waiting = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    waiting = Buffer.concat([waiting, chunk]);
    for (let length = frameLength(waiting); length <= waiting.length; length = frameLength(waiting)) {
      send(await reply(waiting.subarray(0, length)));
      waiting = waiting.subarray(length);
    }
  }
}
