export class Refused extends Error {}

export function verifyBundle(
  files: Map<string, Uint8Array>,
  pem: string,
  policy?: { minVersion?: number; expectName?: string; nowUtc?: string },
): Promise<unknown>;
