// The frames of worker.py, for Node and for browsers alike, and a session that answers them.
const ARRAYS = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array,
};

export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const tensors = header.tensors.map(({ name, dtype, shape, bytes: size }) => {
    const part = new Uint8Array(bytes.subarray(at, at + size)); // a copy, because typed arrays want aligned bytes
    at += size;
    if (dtype === 'string') return { name, dtype, shape, data: JSON.parse(new TextDecoder().decode(part)) };
    const Kind = ARRAYS[dtype];
    return { name, dtype, shape, data: new Kind(part.buffer, part.byteOffset, size / Kind.BYTES_PER_ELEMENT) };
  });
  return { header, tensors };
}

export function encode(header, tensors) {
  const parts = tensors.map(({ dtype, data }) => dtype === 'string'
    ? new TextEncoder().encode(JSON.stringify(Array.from(data)))
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const listed = tensors.map(({ name, dtype, shape }, k) => ({ name, dtype, shape, bytes: parts[k].length }));
  const head = new TextEncoder().encode(JSON.stringify({ ...header, tensors: listed }));
  const out = new Uint8Array(4 + head.length + parts.reduce((sum, part) => sum + part.length, 0));
  new DataView(out.buffer).setUint32(0, head.length, true);
  out.set(head, 4);
  let at = 4 + head.length;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}

export function frameLength(bytes) {
  // how long the frame that starts here is; Infinity while its header is not there yet
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || bytes.length < 4 + view.getUint32(0, true)) return Infinity;
  const end = 4 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, end)));
  return header.tensors.reduce((sum, tensor) => sum + tensor.bytes, end);
}

export async function answer(ort, session, bytes) {
  try {
    const { header, tensors } = decode(bytes);
    const feed = Object.fromEntries(tensors.map((t) => [t.name, new ort.Tensor(t.dtype, t.data, t.shape)]));
    const found = await session.run(feed, header.outputs);
    return encode({}, header.outputs.map((name) => (
      { name, dtype: found[name].type, shape: found[name].dims, data: found[name].data })));
  } catch (error) {
    return encode({ error: String(error.message ?? error) }, []);
  }
}
