// The puzzles of a challenge (see botproxy/challenges/puzzle.py), in a worker where there can be one, else in slices.
import { START, compress } from "../jsd/sha256";

export interface Puzzles {
  nonce: string;
  difficulty: number;
  puzzles: number;
  minimum: number;
  budget: number;
}

const SLICE = 12; // milliseconds between two looks at the page
const WORKER_WITHIN = 1500;

const now = (): number => (typeof performance === "object" ? performance.now() : Date.now());

/** Works for so many milliseconds at a call; the answer, or "" when there is more to do. */
export function solver(work: Puzzles): (slice: number) => string {
  const w = new Int32Array(64);
  const state = new Int32Array(8);
  const begun = now();
  const shift = 32 - work.difficulty;
  let index = 0;
  let number = 0;
  let answer = "";
  return (slice) => {
    const until = now() + slice;
    for (;;) {
      for (let i = 0; i < 64; i++, number++) {
        for (let word = 0; word < 4; word++) {
          w[word] = parseInt(work.nonce.substr(word * 8, 8), 16) | 0;
        }
        w[4] = index;
        w[5] = number;
        w[6] = 0x80000000 | 0;
        w.fill(0, 7, 15);
        w[15] = 192; // bits in 24 bytes
        state.set(START);
        compress(state, w);
        if (state[0]! >>> shift === 0) {
          answer += ("0000000" + number.toString(16)).slice(-8);
          number = -1;
          if (++index === work.puzzles) {
            return answer;
          }
        }
      }
      const clock = now();
      if (index >= work.minimum && clock - begun >= work.budget) {
        return answer;
      }
      if (clock >= until) {
        return "";
      }
    }
  };
}

/** What this script does when it is its own worker. */
export function serve(): void {
  self.onmessage = (event: MessageEvent<Puzzles | string>) => {
    if (typeof event.data === "string") {
      return; // somebody else's question
    }
    (self as unknown as Worker).postMessage("begun");
    (self as unknown as Worker).postMessage(solver(event.data)(Infinity));
  };
}

/** The answer. `script` is the address of this script; a page of another site cannot make a worker of it. */
export function solve(work: Puzzles, script: string): Promise<string> {
  return new Promise((resolve) => {
    let worker: Worker | null = null;
    let begun = false;
    const inSlices = (): void => {
      begun = true;
      if (worker) {
        worker.onmessage = worker.onerror = null;
        worker.terminate();
      }
      const step = solver(work);
      const next = (): void => {
        const answer = step(SLICE);
        if (answer) {
          resolve(answer);
        } else {
          setTimeout(next, 0);
        }
      };
      next();
    };
    try {
      worker = new Worker(script);
    } catch (refused) {
      inSlices();
      return;
    }
    worker.onerror = inSlices;
    worker.onmessage = (event: MessageEvent<string>) => {
      if (event.data === "begun") {
        begun = true;
      } else {
        worker!.terminate();
        resolve(event.data);
      }
    };
    worker.postMessage(work);
    setTimeout(() => {
      if (!begun) {
        inSlices();
      }
    }, WORKER_WITHIN);
  });
}
