// What a worker says of the browser: scripts that disguise a page seldom reach it. The bundle is its own worker.

/** User agent, platform, languages, cores, webdriver, client hints, renderer; null where the browser has none. */
export type WorkerFacts = [string, string, string, number | null, boolean | null, string | null, string | null];

interface Hints {
  brands?: { brand: string; version: string }[];
  mobile?: boolean;
  platform?: string;
}

export function hints(of: unknown): Hints | null {
  return ((of as { userAgentData?: Hints }).userAgentData) || null;
}

export function hintsText(of: unknown): string | null {
  const found = hints(of);
  return found && JSON.stringify([found.platform, found.mobile, (found.brands || []).map((one) => one.brand + one.version)]);
}

export function renderer(canvas: OffscreenCanvas | HTMLCanvasElement): string | null {
  try {
    const context = canvas.getContext("webgl") as WebGLRenderingContext | null;
    if (!context) {
      return null;
    }
    const extension = context.getExtension("WEBGL_debug_renderer_info");
    const found = String(context.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : context.RENDERER));
    const lose = context.getExtension("WEBGL_lose_context");
    if (lose) {
      lose.loseContext();
    }
    return found;
  } catch (unable) {
    return null;
  }
}

/** In a worker: answer once whoever asks. */
export function serve(): void {
  self.addEventListener("message", (event: MessageEvent) => {
    if (event.data !== "jsd") {
      return;
    }
    const me = navigator;
    const answer: WorkerFacts = [
      me.userAgent, me.platform, String(me.languages || me.language), me.hardwareConcurrency || null,
      typeof me.webdriver === "boolean" ? me.webdriver : null, hintsText(me),
      typeof OffscreenCanvas === "function" ? renderer(new OffscreenCanvas(1, 1)) : null,
    ];
    (self as unknown as { postMessage(message: unknown): void }).postMessage(answer);
  });
}

/** From a page: what a worker of this script says; null when there is none, or not soon. */
export function ask(script: string, patience: number): Promise<WorkerFacts | null> {
  return new Promise((resolve) => {
    let worker: Worker | null = null;
    function end(facts: WorkerFacts | null): void {
      if (worker) {
        worker.terminate();
      }
      resolve(facts);
    }
    try {
      worker = new Worker(script);
    } catch (refused) {
      resolve(null);
      return;
    }
    worker.onmessage = (event) => end(event.data as WorkerFacts);
    worker.onerror = (event) => {
      event.preventDefault();
      end(null);
    };
    worker.postMessage("jsd");
    setTimeout(() => end(null), patience);
  });
}
