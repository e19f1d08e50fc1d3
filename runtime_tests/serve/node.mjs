// Runs models for another process with onnxruntime-node: a JSON document per line in and out.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { answerer } from './answer.mjs';

const require = createRequire(process.argv[2] + '/');
const ort = require('onnxruntime-node');
const { version } = require('onnxruntime-node/package.json');
const say = document => process.stdout.write(JSON.stringify(document) + '\n');
const answer = answerer(ort, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });

say({ runtime: `onnxruntime-node ${version} ${process.arch}` });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ result: await answer(JSON.parse(line)) });
  } catch (error) {
    say({ error: String(error).slice(0, 300) });
  }
}
