// SHA-256 (FIPS 180-4), because pages over plain http have no WebCrypto.

const K: number[] = [];
export const START: number[] = [];

// The constants are the first bits of the fractional parts of roots of primes: shorter computed than written.
for (let candidate = 2; K.length < 64; candidate++) {
  let prime = true;
  for (let factor = 2; factor * factor <= candidate; factor++) {
    if (candidate % factor === 0) {
      prime = false;
      break;
    }
  }
  if (prime) {
    if (START.length < 8) {
      START.push(fraction(Math.sqrt(candidate)));
    }
    K.push(fraction(cubeRoot(candidate)));
  }
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 4294967296) | 0;
}

// One step of Newton's over whatever Math.pow gives: engines differ in its last bit.
function cubeRoot(value: number): number {
  const root = Math.pow(value, 1 / 3);
  return root - (root * root * root - value) / (3 * root * root);
}

/** The 32 bytes of the digest. */
export function sha256(message: Uint8Array): Uint8Array {
  const blocks = (message.length + 72) >> 6;
  const padded = new Uint8Array(blocks << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length << 3);
  const state = Int32Array.from(START);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    for (let t = 0; t < 16; t++) {
      w[t] = view.getInt32((block << 6) + (t << 2));
    }
    compress(state, w);
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => digest.setInt32(at << 2, word));
  return new Uint8Array(digest.buffer);
}

/** One block whose first 16 words are in `w`, into `state`. */
export function compress(state: Int32Array, w: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    w[t] = (w[t - 16]! + w[t - 7]! +
      (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
      (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10))) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const p = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) +
      ((e & f) ^ (~e & g)) + K[t]! + w[t]!) | 0;
    const q = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) +
      ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + p) | 0; d = c; c = b; b = a; a = (p + q) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => { state[at] = (state[at]! + word) | 0; });
}
