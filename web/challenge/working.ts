// Where the work is done: in a worker, or in slices on the page where there is none. The bundle is its own worker.
import { Progress, Puzzle, solve } from "./puzzle";

const WORKER_WITHIN = 1500;
const WORKER_SLICE = 250; // milliseconds between two reports of how far it is
const PAGE_SLICE = 12;

interface Message {
  done: boolean;
  progress: Progress;
}

/** In a worker: solve what is sent. */
export function serve(): void {
  self.addEventListener("message", (event: MessageEvent) => {
    const sent = event.data as { puzzle?: Puzzle; progress?: Progress };
    if (!sent || !sent.puzzle || !sent.progress) {
      return;
    }
    const { puzzle, progress } = sent;
    const tell = self as unknown as { postMessage(message: Message): void };
    tell.postMessage({ done: false, progress });
    (function next(): void {
      const done = solve(puzzle, progress, WORKER_SLICE);
      tell.postMessage({ done, progress });
      if (!done) {
        setTimeout(next, 0);
      }
    })();
  });
}

/** From a page: the answer. `on` is told how far the work is now and then; `stopped` ends it for nothing. */
export function work(
  puzzle: Puzzle, progress: Progress, script: string, on: (progress: Progress) => void, stopped: () => boolean,
): Promise<string> {
  return new Promise((resolve) => {
    let begun = false;
    let worker: Worker | null = null;
    function end(): void {
      if (worker) {
        worker.onmessage = worker.onerror = null;
        worker.terminate();
      }
    }
    function inSlices(): void {
      begun = true;
      end();
      (function next(): void {
        if (stopped()) {
          return;
        }
        const done = solve(puzzle, progress, PAGE_SLICE);
        on(progress);
        if (done) {
          resolve(progress.answer);
        } else {
          setTimeout(next, 0);
        }
      })();
    }
    try {
      worker = new Worker(script);
    } catch (refused) {
      inSlices();
      return;
    }
    worker.onerror = (event) => {
      event.preventDefault();
      inSlices();
    };
    worker.onmessage = (event) => {
      const said = event.data as Message;
      begun = true;
      if (stopped()) {
        end();
        return;
      }
      progress = said.progress;
      on(progress);
      if (said.done) {
        end();
        resolve(progress.answer);
      }
    };
    worker.postMessage({ puzzle, progress });
    setTimeout(() => {
      if (!begun) {
        inSlices();
      }
    }, WORKER_WITHIN);
  });
}
