// The report of JavaScript detections: signs of automation, and work done for the seed of this very page.
import { isShown, open, refuge } from "./frame";
import { draws, key, seal, unbase64 } from "./sealing";
import { type Place, Signs, early, late, permissions, place } from "./signals";
import { type Answers, size, work } from "./work";
import { ask, hints } from "./worker";

/**
 * Stands in the built script until it is served: then a function of eight words, changed in place, and of what elements
 * are put into, another one each day and in each deployment (botproxy/scoring/jsd/programs.py). It returns its name
 * and what it saw.
 */
declare const $VARIANT$: (words: Int32Array, body: HTMLElement | ShadowRoot) => [number, number[]];

const WORKER_PATIENCE = 1500;

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Collect, and close the report under the seed (base64url). `script` is the address of the bundle that this is part of,
 * for a worker of it; the bundle calls `serve()` of "./worker" where there is no document. `also` are signs that the page
 * itself looks for; the report waits for them.
 */
export async function collect(seed: string, script: string, also?: Promise<number[]>): Promise<string> {
  const secret = unbase64(seed);
  let spent = 0;
  let longest = 0;
  function timed<T>(task: () => T): T {
    const begun = performance.now();
    const result = task();
    const took = performance.now() - begun;
    spent += took;
    longest = Math.max(longest, took);
    return result;
  }
  const signs = new Signs();
  // A worker begins on another core: together with what follows it would keep the page waiting on a machine with few.
  const worker = await timed(() => ask(script, WORKER_PATIENCE));
  const [width, height] = size(draws(secret, "frame"));
  const frame = timed(() => open(width, height));
  let here: Place;
  let answers: Answers;
  let seen: [number, number[]] = [-1, []];
  // The seed goes through the program; what comes out chooses the work.
  async function worked(body: HTMLElement | ShadowRoot): Promise<Answers> {
    const words = new Int32Array(key("program", secret).buffer as ArrayBuffer);
    try {
      seen = timed(() => $VARIANT$(words, body));
    } catch (unable) {
      // the server sees that there is nothing
    }
    await pause();
    return timed(() => work((task) => draws(new Uint8Array(words.buffer), task), body, width, height));
  }
  try {
    await pause(); // never long at a stretch: the page has things to do
    const inside = frame.contentWindow!;
    here = timed(() => place(inside));
    timed(() => early(signs, inside, here));
    await pause();
    if (isShown(frame)) {
      answers = await worked(frame.contentDocument!.body);
    } else {
      const { host, root } = refuge();
      try {
        answers = await worked(root);
      } finally {
        host.remove();
      }
    }
  } finally {
    frame.remove();
  }
  await permissions(signs);
  timed(() => late(signs, worker, here));
  const data = hints(navigator);
  const brands = data && data.brands ? data.brands.slice(0, 8).map((one) => [one.brand, one.version]) : null;
  const report = [
    2, signs.found.concat(also ? await also : []), here.engine, navigator.userAgent, data && data.platform || null, data ? !!data.mobile : null, brands,
    navigator.language || null, answers.chains, answers.hits, answers.curve, answers.media,
    Math.round(spent), Math.round(longest), worker ? 1 : 0, seen[0], seen[1],
  ];
  return seal(JSON.stringify(report), secret);
}
