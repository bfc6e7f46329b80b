// What a seed gives: numbers that the server draws alike, and the key under which a report is closed.
import { sha256 } from "./sha256";

export function bytes(text: string): Uint8Array {
  const found: number[] = [];
  for (const one of unescape(encodeURIComponent(text))) {
    found.push(one.charCodeAt(0));
  }
  return Uint8Array.from(found);
}

function join(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function key(purpose: string, seed: Uint8Array): Uint8Array {
  return sha256(join(bytes(purpose + "\0"), seed));
}

/** Words of ChaCha20 (RFC 8439) under the key, nonce and counter from zero. */
export function stream(secret: Uint8Array): () => number {
  const input = new Uint32Array(16);
  input.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  const view = new DataView(secret.buffer);
  for (let at = 0; at < 8; at++) {
    input[4 + at] = view.getUint32(at << 2, true);
  }
  const x = new Uint32Array(16);
  let next = 16;
  function turn(a: number, b: number, by: number, c: number): void {
    const sum = (x[a] = x[a]! + x[b]!) ^ x[c]!;
    x[c] = (sum << by) | (sum >>> (32 - by));
  }
  function quarter(a: number, b: number, c: number, d: number): void {
    turn(a, b, 16, d);
    turn(c, d, 12, b);
    turn(a, b, 8, d);
    turn(c, d, 7, b);
  }
  return () => {
    if (next === 16) {
      x.set(input);
      for (let round = 0; round < 10; round++) {
        for (let at = 0; at < 4; at++) {
          quarter(at, 4 + at, 8 + at, 12 + at);
        }
        for (let at = 0; at < 4; at++) {
          quarter(at, 4 + ((at + 1) & 3), 8 + ((at + 2) & 3), 12 + ((at + 3) & 3));
        }
      }
      for (let at = 0; at < 16; at++) {
        x[at] = x[at]! + input[at]!;
      }
      input[12] = input[12]! + 1;
      next = 0;
    }
    return x[next++]!;
  };
}

/** Draws of whole numbers, both ends included. */
export type Draw = (low: number, high: number) => number;

export function draws(seed: Uint8Array, purpose: string): Draw {
  const next = stream(key(purpose, seed));
  return (low, high) => low + (next() % (high - low + 1));
}

/** The report as text for the wire: base64url of a code of authenticity (16 bytes) and the closed text. */
export function seal(text: string, seed: Uint8Array): string {
  const plain = bytes(text);
  const next = stream(key("report", seed));
  const secret = key("code", seed);
  const closed = new Uint8Array(plain.length);
  let word = 0;
  for (let at = 0; at < plain.length; at++) {
    word = at & 3 ? word >>> 8 : next();
    closed[at] = plain[at]! ^ (word & 255);
  }
  const code = sha256(join(secret, sha256(join(secret, closed)))).subarray(0, 16);
  let binary = "";
  for (const one of join(code, closed)) {
    binary += String.fromCharCode(one);
  }
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Bytes of base64url text. */
export function unbase64(text: string): Uint8Array {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
