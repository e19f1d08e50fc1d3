// worker.py's part in Node: node worker_node.mjs MODEL PACKAGES
import { createRequire } from 'node:module';
import { answer, encode } from './frames.mjs';
import { send, serve } from './pipe.mjs';

const [model, packages] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const ort = require('onnxruntime-node');
const { version } = require('onnxruntime-node/package.json');
const runtime = `onnxruntime-node ${version} ${process.arch}, Node ${process.version}`;
const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };
let session;
try {
  session = await ort.InferenceSession.create(model, options);
  send(encode({ runtime }, []));
} catch (error) {
  send(encode({ runtime, error: `does not load it: ${error.message}` }, []));
  process.exit(0);
}
await serve((bytes) => answer(ort, session, bytes));
