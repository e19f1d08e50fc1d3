// worker.py's part in a browser: node worker_web.mjs MODEL PACKAGES CHROMIUM. Everything is served from 127.0.0.1.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { encode } from './frames.mjs';
import { send, serve } from './pipe.mjs';

const [model, packages, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/`)('playwright-core');
const web = join(packages, 'node_modules', 'onnxruntime-web');
const { version } = JSON.parse(readFileSync(join(web, 'package.json')));
const types = { '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const server = createServer((request, response) => {
  const name = basename(new URL(request.url, 'http://x').pathname);
  const file = name === 'model' ? model
    : name === 'frames.mjs' ? new URL('./frames.mjs', import.meta.url) : join(web, 'dist', name);
  if (request.url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html><title>edgepack</title>');
  if (!existsSync(file)) return response.writeHead(404).end();
  response.setHeader('content-type', types[name.slice(name.lastIndexOf('.'))] ?? 'application/octet-stream');
  return response.end(readFileSync(file));
});
await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const root = process.getuid?.() === 0; // Chromium's sandbox does not start as root
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu', ...(root ? ['--no-sandbox'] : [])] });
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
const runtime = `onnxruntime-web ${version} wasm, Chromium ${browser.version()}`;
const error = await page.evaluate(async () => {
  try {
    const ort = await import('/ort.wasm.min.mjs');
    const { answer } = await import('/frames.mjs');
    ort.env.wasm.wasmPaths = '/';
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'fatal';
    const bytes = new Uint8Array(await (await fetch('/model')).arrayBuffer());
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
    window.reply = async (text) => {
      const out = await answer(ort, session, Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
      let packed = '';
      for (let k = 0; k < out.length; k += 8192) packed += String.fromCharCode(...out.subarray(k, k + 8192));
      return btoa(packed);
    };
    return null;
  } catch (failure) { return `does not load it: ${failure.message ?? failure}`; }
});
send(encode(error ? { runtime, error } : { runtime }, []));
if (!error) {
  await serve(async (bytes) => Buffer.from(
    await page.evaluate((text) => window.reply(text), Buffer.from(bytes).toString('base64')), 'base64'));
}
await browser.close();
server.close();
