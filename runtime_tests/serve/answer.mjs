// Answers one request with onnxruntime-node or onnxruntime-web: the same code in both. See session.py for the form.
const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array };

export function answerer(ort, options) {
  let session = null;
  return async request => {
    if (request.model !== undefined) {
      if (session) await session.release();
      session = null;
      session = await ort.InferenceSession.create(bytes(request.model), options);
      return null;
    }
    const feed = Object.entries(request.feed).map(([name, tensor]) => [name, unpacked(ort, tensor)]);
    const found = await session.run(Object.fromEntries(feed));
    return Object.fromEntries(session.outputNames.map(name => [name, packed(found[name])]));
  };
}

function unpacked(ort, { type, dims, data }) {
  return new ort.Tensor(type, type === 'string' ? data : new ARRAYS[type](bytes(data).buffer), dims);
}

function packed({ type, dims, data }) {
  if (type === 'string') return { type, dims, data: [...data] };
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let text = '';
  for (let i = 0; i < raw.length; i += 8192) text += String.fromCharCode(...raw.subarray(i, i + 8192));
  return { type, dims: [...dims].map(Number), data: btoa(text) };
}

function bytes(base64) {
  const text = atob(base64);
  return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}
