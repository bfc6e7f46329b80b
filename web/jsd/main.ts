// What pages load. As main.js it reports once by itself; as api.js it waits for `cloudflare.jsd.executeOnce`.
import { collect } from "./collect";
import { serve } from "./worker";

/** What the server gives a page to begin with; docs/javascript-detections.md, "What travels". */
interface Parameters {
  r: string; // ray
  m: string; // sealed bootstrap
  s: string; // seed
  b: string; // folder of our own paths
  c?: string; // event of the site's consent tool
}

interface Page extends Window {
  __CF$cv$params?: Parameters;
  cloudflare?: { jsd?: { executeOnce(options?: { callback?: (result: string) => void }): void } };
  [name: string]: unknown;
}

const FOLDER = /^(.*\/)scripts\/jsd\/|^(.*\/)h\/[bg]\/scripts\/jsd\//;
const LASTING = 13 * 60 * 1000; // milliseconds after which a page from the back-forward cache asks again
const IDLE = 2000; // milliseconds that the page may keep us waiting

function once(target: EventTarget, name: string): Promise<unknown> {
  return new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
}

// When the page is shown, read, and has nothing else to do.
async function quiet(): Promise<void> {
  if ((document as Document & { prerendering?: boolean }).prerendering) {
    await once(document, "prerenderingchange");
  }
  if (document.readyState === "loading") {
    await once(document, "DOMContentLoaded");
  }
  await new Promise<void>((resolve) => {
    if (typeof requestIdleCallback === "function") {
      requestIdleCallback(() => resolve(), { timeout: IDLE });
    } else {
      setTimeout(resolve, 200);
    }
  });
}

async function fresh(base: string): Promise<Parameters | null> {
  const answer = await fetch(base + "h/b/jsd/b", { credentials: "same-origin", cache: "no-store" });
  return answer.status === 200 ? ((await answer.json()) as Parameters) : null; // 204: there is a result that counts
}

// Whether the report arrived; null when the bootstrap is stale.
async function send(given: Parameters, script: string): Promise<boolean | null> {
  const report = await collect(given.s, script);
  const version = /\/jsd\/([0-9a-f]{12})\//.exec(script);
  const answer = await fetch(`${given.b}h/b/jsd/r/${version ? version[1]! : "0"}/${given.r}`, {
    method: "POST", credentials: "same-origin", cache: "no-store", body: given.m + "\n" + report,
  });
  return answer.status === 409 ? null : answer.ok;
}

async function tell(given: Parameters | null, base: string, script: string): Promise<boolean> {
  let current = given || await fresh(base);
  for (let tries = 2; current && tries; tries--) {
    const arrived = await send(current, script);
    if (arrived !== null) {
      return arrived;
    }
    current = await fresh(base); // the page came out of a cache, or was somebody else's
  }
  return !current;
}

function byItself(page: Page, element: HTMLScriptElement, script: string): void {
  const written = element.dataset["params"];
  const given: Parameters | undefined = written ? JSON.parse(written) : page.__CF$cv$params;
  delete page.__CF$cv$params;
  if (!given) {
    return;
  }
  let told = 0;
  const run = async (first: Parameters | null): Promise<void> => {
    await quiet();
    told = Date.now();
    await tell(first, given.b, script);
  };
  const quietly = (first: Parameters | null): void => {
    run(first).catch(() => undefined);
  };
  if (given.c) {
    once(page, given.c).then(() => quietly(given), () => undefined);
  } else {
    quietly(given);
  }
  page.addEventListener("pageshow", (event) => {
    if (event.persisted && told && Date.now() - told > LASTING) {
      quietly(null);
    }
  });
}

function byHand(page: Page, address: URL, script: string): void {
  const folder = FOLDER.exec(address.pathname);
  const base = folder ? folder[1] || folder[2]! : "/cdn-cgi/challenge-platform/";
  let running: Promise<boolean> | null = null;
  const cloudflare = (page.cloudflare = page.cloudflare || {});
  cloudflare.jsd = {
    executeOnce(options) {
      running = running || quiet().then(() => tell(null, base, script));
      const callback = options && options.callback;
      running.then((arrived) => arrived, () => false).then((arrived) => callback && callback(arrived ? "success" : "error"));
    },
  };
  const loaded = page[address.searchParams.get("onload") || ""];
  if (typeof loaded === "function") {
    loaded();
  }
}

if (typeof document === "undefined") {
  serve();
} else {
  const element = document.currentScript as HTMLScriptElement | null;
  if (element) {
    const address = new URL(element.src, location.href);
    const page = window as unknown as Page;
    if (/\/api\.js$/.test(address.pathname)) {
      byHand(page, address, address.origin + address.pathname);
    } else {
      byItself(page, element, address.href);
    }
  }
}
