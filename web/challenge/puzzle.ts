// The work: many small SHA-256 puzzles (see botproxy/challenges/puzzle.py), in slices of time, to be taken up anywhere.
// No WebCrypto, which plain http pages do not have and which is slower for single blocks.

export interface Puzzle {
  nonce: string;
  difficulty: number;
  puzzles: number;
  minimum: number;
  budget: number;
}

/** How far the work has come: what a reloaded page goes on from. */
export interface Progress {
  answer: string;
  number: number;
  spent: number;
}

const K = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
);

// First 32 bits of SHA-256 of the one block whose first 16 words are in w (FIPS 180-4, 6.2.2).
function firstWord(w: Int32Array): number {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    w[t] = (w[t - 16]! + w[t - 7]! +
      (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
      (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10))) | 0;
  }
  let a = 0x6a09e667, b = 0xbb67ae85 | 0, c = 0x3c6ef372, d = 0xa54ff53a | 0;
  let e = 0x510e527f, f = 0x9b05688c | 0, g = 0x1f83d9ab, h = 0x5be0cd19;
  for (let t = 0; t < 64; t++) {
    const p = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) +
      ((e & f) ^ (~e & g)) + K[t]! + w[t]!) | 0;
    const q = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) +
      ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + p) | 0; d = c; c = b; b = a; a = (p + q) | 0;
  }
  return (a + 0x6a09e667) >>> 0;
}

export function now(): number {
  return typeof performance === "object" ? performance.now() : Date.now();
}

/** Work from where `progress` is for about so many milliseconds; whether it is done. */
export function solve(puzzle: Puzzle, progress: Progress, slice: number): boolean {
  const w = new Int32Array(64);
  const shift = 32 - puzzle.difficulty;
  const begun = now();
  const before = progress.spent;
  let index = progress.answer.length / 8;
  for (let i = 0; i < 4; i++) {
    w[i] = parseInt(puzzle.nonce.substr(i * 8, 8), 16) | 0;
  }
  for (;;) {
    for (let i = 0; i < 256; i++, progress.number++) {
      w[4] = index;
      w[5] = progress.number;
      w[6] = 0x80000000 | 0;
      w[7] = w[8] = w[9] = w[10] = w[11] = w[12] = w[13] = w[14] = 0;
      w[15] = 192; // bits in 24 bytes
      if (firstWord(w) >>> shift === 0) {
        progress.answer += ("0000000" + progress.number.toString(16)).slice(-8);
        progress.number = -1;
        if (++index === puzzle.puzzles) {
          progress.number = 0;
          return true;
        }
      }
    }
    const passed = now() - begun;
    progress.spent = before + passed;
    if (index >= puzzle.minimum && progress.spent >= puzzle.budget) {
      return true;
    }
    if (passed >= slice) {
      return false;
    }
  }
}
