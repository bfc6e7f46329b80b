// The report of JavaScript detections: signs of automation, and work done for the seed of this very page.
import { isShown, open, refuge } from "./frame";
import { type Draw, draws, seal, unbase64 } from "./sealing";
import { type Place, Signs, early, late, permissions, place } from "./signals";
import { type Answers, size, work } from "./work";
import { ask, hints } from "./worker";

const WORKER_PATIENCE = 1500;

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Collect, and close the report under the seed (base64url). `script` is the address of the bundle that this is part of,
 * for a worker of it; the bundle calls `serve()` of "./worker" where there is no document.
 */
export async function collect(seed: string, script: string): Promise<string> {
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
  const asked = timed(() => ask(script, WORKER_PATIENCE));
  const [width, height] = size(draws(secret, "frame"));
  const frame = timed(() => open(width, height));
  let here: Place;
  let answers: Answers;
  try {
    await pause(); // never long at a stretch: the page has things to do
    const inside = frame.contentWindow!;
    here = timed(() => place(inside));
    timed(() => early(signs, inside, here));
    await pause();
    const drawn = (task: string): Draw => draws(secret, task);
    if (isShown(frame)) {
      answers = timed(() => work(drawn, frame.contentDocument!.body, width, height));
    } else {
      const { host, root } = refuge();
      try {
        answers = timed(() => work(drawn, root, width, height));
      } finally {
        host.remove();
      }
    }
  } finally {
    frame.remove();
  }
  const worker = await asked;
  await permissions(signs);
  timed(() => late(signs, worker, here));
  const data = hints(navigator);
  const brands = data && data.brands ? data.brands.slice(0, 8).map((one) => [one.brand, one.version]) : null;
  const report = [
    1, signs.found, here.engine, navigator.userAgent, data && data.platform || null, data ? !!data.mobile : null, brands,
    navigator.language || null, answers.chains, answers.hits, answers.curve, answers.media,
    Math.round(spent), Math.round(longest), worker ? 1 : 0,
  ];
  return seal(JSON.stringify(report), secret);
}
