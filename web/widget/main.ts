// The widget for forms, under the names of the original's api.js: window.turnstile, class cf-turnstile, data-… attributes.
import { collect } from "../jsd/collect";
import { serve as serveFacts } from "../jsd/worker";
import { serve, solve } from "./solving";
import type { Puzzles } from "./solving";
import { View } from "./view";

const SCRIPT = typeof document === "undefined" ? "" : (document.currentScript as HTMLScriptElement).src;
const ANSWER_WITHIN = 15000;
const REPORT_WITHIN = 6000;

interface Begun extends Puzzles {
  ok: boolean;
  reason?: string;
  ticket: string;
  seed: string;
  click: boolean;
  mode: string;
  language: string;
  direction: string;
  words: { working: string; click: string; done: string; failed: string; expired: string; retry: string };
}

/** What goes back: the work, and a report of this browser, null where there is none. */
interface Found {
  answer: string;
  report: string | null;
}

interface Minted {
  ok: boolean;
  reason?: string;
  wait?: number;
  token: string;
  lifetime: number;
}

type Params = Record<string, unknown>;

// Codes of the original's client-side errors, by what went wrong here.
const CODES: Record<string, string> = {
  sitekey: "110100", // no such key
  host: "110200", // not on this host
  network: "300030",
  failed: "600010",
  timeout: "110620",
};

const NAMES = [
  "sitekey", "action", "cData", "callback", "error-callback", "expired-callback", "timeout-callback",
  "before-interactive-callback", "after-interactive-callback", "unsupported-callback", "theme", "language", "tabindex",
  "response-field", "response-field-name", "size", "retry", "retry-interval", "refresh-expired", "refresh-timeout",
  "appearance", "execution",
];

class Widget {
  token = "";
  private expired = false;
  private begun: Begun | null = null;
  private turn = 0; // what an older run still brings is thrown away
  private timer = 0;
  private field: HTMLInputElement | null = null;
  private readonly view: View;

  constructor(readonly id: string, readonly container: HTMLElement, readonly params: Params) {
    this.view = new View(container, {
      theme: this.text("theme", "auto"),
      size: this.text("size", "normal"),
      tabindex: this.text("tabindex", ""),
    });
    this.view.visible(this.text("appearance", "always") === "always" && this.text("size", "") !== "invisible");
    if (this.text("response-field", "true") !== "false") {
      this.field = document.createElement("input");
      this.field.type = "hidden";
      this.field.name = this.text("response-field-name", "cf-turnstile-response");
      this.field.id = `${id}_response`;
      container.append(this.field);
    }
    if (this.text("execution", "render") === "render") {
      this.run();
    }
  }

  get isExpired(): boolean {
    return this.expired;
  }

  text(name: string, otherwise: string): string {
    const value = this.params[name];
    return value === undefined || value === null ? otherwise : String(value);
  }

  /** Begin, or begin anew. */
  run(): void {
    const turn = ++this.turn;
    clearTimeout(this.timer);
    this.put("");
    this.expired = false;
    if (this.text("appearance", "always") === "execute") {
      this.show(true);
    }
    ask<Begun>("begin", {
      sitekey: this.text("sitekey", ""),
      action: this.text("action", ""),
      cdata: this.text("cData", ""),
      language: this.text("language", "auto") === "auto" ? "" : this.text("language", ""),
    }).then((begun) => {
      if (turn !== this.turn) {
        return;
      }
      if (!begun.ok) {
        this.fail(turn, begun.reason ?? "failed");
        return;
      }
      this.begun = begun;
      this.view.language(begun.language, begun.direction);
      if (begun.mode === "invisible") {
        this.show(false);
      }
      this.view.show("working", begun.words.working);
      const report = reported(begun.seed);
      solve(
        {
          nonce: begun.nonce, difficulty: begun.difficulty, puzzles: begun.puzzles, minimum: begun.minimum,
          budget: begun.budget,
        },
        SCRIPT,
      ).then((answer) => report.then((seen) => this.solved(turn, begun, { answer, report: seen })));
    }).catch(() => this.fail(turn, "network"));
  }

  private solved(turn: number, begun: Begun, found: Found): void {
    if (turn !== this.turn) {
      return;
    }
    if (!begun.click) {
      this.send(turn, begun, found, false, 2);
      return;
    }
    this.call("before-interactive-callback");
    this.show(this.text("size", "") !== "invisible");
    this.view.show("click", "", begun.words.click, () => {
      this.call("after-interactive-callback");
      this.view.show("working", begun.words.working);
      this.send(turn, begun, found, true, 2);
    });
    // The ticket runs out: whoever comes back to the form later begins anew.
    this.timer = window.setTimeout(() => {
      if (turn === this.turn) {
        this.call("timeout-callback");
        if (this.text("refresh-timeout", "auto") === "auto") {
          this.run();
        }
      }
    }, 240000);
  }

  private send(turn: number, begun: Begun, found: Found, clicked: boolean, patience: number): void {
    clearTimeout(this.timer);
    ask<Minted>("solve", { sitekey: this.text("sitekey", ""), ticket: begun.ticket, ...found, clicked }).then((minted) => {
      if (turn !== this.turn) {
        return;
      }
      if (minted.ok) {
        this.put(minted.token);
        this.view.show("done", begun.words.done);
        if (this.text("appearance", "always") === "interaction-only") {
          this.show(false);
        }
        this.timer = window.setTimeout(() => this.expire(turn), minted.lifetime - 5000);
        this.call("callback", minted.token);
      } else if (minted.reason === "early" && patience > 0) {
        setTimeout(() => this.send(turn, begun, found, clicked, patience - 1), minted.wait ?? 500);
      } else {
        this.fail(turn, minted.reason ?? "failed");
      }
    }).catch(() => this.fail(turn, "network"));
  }

  private expire(turn: number): void {
    if (turn !== this.turn) {
      return;
    }
    this.put("");
    this.expired = true;
    this.call("expired-callback");
    const how = this.text("refresh-expired", "auto");
    if (how === "auto") {
      this.run();
    } else if (this.begun) {
      this.view.show("expired", this.begun.words.expired, this.begun.words.retry, how === "manual" ? () => this.run() : undefined);
    }
  }

  private fail(turn: number, reason: string): void {
    if (turn !== this.turn) {
      return;
    }
    const words = this.begun?.words ?? { failed: "Verification failed", retry: "Try again" };
    this.view.show("failed", words.failed, words.retry, () => this.run());
    const handled = this.call("error-callback", CODES[reason] ?? CODES["failed"]);
    if (!handled) {
      console.error(`[Cloudflare Turnstile] Error: ${CODES[reason] ?? CODES["failed"]} (${reason})`);
    }
    // What the page has set up wrong does not mend itself.
    if (this.text("retry", "auto") === "auto" && reason !== "sitekey" && reason !== "host") {
      this.timer = window.setTimeout(() => {
        if (turn === this.turn) {
          this.run();
        }
      }, parseInt(this.text("retry-interval", "8000"), 10) || 8000);
    }
  }

  private show(shown: boolean): void {
    this.view.visible(shown);
  }

  private put(token: string): void {
    this.token = token;
    if (this.field) {
      this.field.value = token;
    }
  }

  /** Call a callback of the page, a function or the name of a global one; what it returns. */
  private call(name: string, ...values: unknown[]): unknown {
    const given = this.params[name];
    const callback = typeof given === "string" ? (window as unknown as Params)[given] : given;
    return typeof callback === "function" ? callback(...values) : undefined;
  }

  remove(): void {
    this.turn++;
    clearTimeout(this.timer);
    this.view.remove();
    this.field?.remove();
  }
}

function reported(seed: string): Promise<string | null> {
  return Promise.race<string | null>([
    collect(seed, SCRIPT),
    new Promise((resolve) => setTimeout(() => resolve(null), REPORT_WITHIN)),
  ]).catch(() => null);
}

function ask<T>(path: string, body: unknown): Promise<T> {
  const asked = fetch(new URL(path, SCRIPT).href, {
    method: "POST",
    // Of the very host alone: a clearance of this site speaks for a visitor, cookies of another do not exist here.
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    referrerPolicy: "origin",
    headers: { "Content-Type": "text/plain" },
    body: JSON.stringify(body),
  }).then((response) => response.json() as Promise<T>);
  return Promise.race([
    asked,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error("no answer")), ANSWER_WITHIN)),
  ]);
}

const widgets = new Map<string, Widget>();
let count = 0;

function element(container: unknown): HTMLElement | null {
  if (container instanceof HTMLElement) {
    return container;
  }
  if (typeof container !== "string") {
    return null;
  }
  try {
    return document.querySelector<HTMLElement>(container) ?? document.getElementById(container);
  } catch (wrong) {
    return document.getElementById(container);
  }
}

/** The widget with this id, or in this element; without either the first one. */
function find(which: unknown): Widget | undefined {
  if (which === undefined || which === null) {
    return widgets.values().next().value;
  }
  if (typeof which === "string" && widgets.has(which)) {
    return widgets.get(which);
  }
  const container = element(which);
  return container ? [...widgets.values()].find((widget) => widget.container === container) : undefined;
}

function read(container: HTMLElement): Params {
  const params: Params = {};
  for (const name of NAMES) {
    const value = container.getAttribute(`data-${name.toLowerCase()}`);
    if (value !== null) {
      params[name] = value;
    }
  }
  return params;
}

const api = {
  render(container: unknown, params: Params = {}): string | undefined {
    const place = element(container);
    if (!place) {
      console.error("[Cloudflare Turnstile] Could not find the container", container);
      return undefined;
    }
    const there = find(place);
    if (there) {
      return there.id;
    }
    const id = `cf-chl-widget-${(++count).toString(36)}${Math.random().toString(36).slice(2, 7)}`;
    widgets.set(id, new Widget(id, place, { ...read(place), ...params }));
    return id;
  },
  execute(which: unknown, params?: Params): void {
    const widget = find(which) ?? widgets.get(api.render(which, params) ?? "");
    if (widget && widget.text("execution", "render") === "execute" && !widget.token) {
      widget.run();
    }
  },
  reset(which?: unknown): void {
    find(which)?.run();
  },
  remove(which?: unknown): void {
    const widget = find(which);
    if (widget) {
      widget.remove();
      widgets.delete(widget.id);
    }
  },
  getResponse(which?: unknown): string | undefined {
    return find(which)?.token || undefined;
  },
  isExpired(which?: unknown): boolean {
    return find(which)?.isExpired ?? false;
  },
  ready(callback: () => void): void {
    whenParsed(callback);
  },
};

function whenParsed(callback: () => void): void {
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", callback, { once: true });
  } else {
    setTimeout(callback, 0);
  }
}

if (typeof document === "undefined") {
  serveFacts();
  serve();
} else {
  (window as unknown as Params)["turnstile"] = api;
  const query = new URL(SCRIPT).searchParams;
  whenParsed(() => {
    if (query.get("render") !== "explicit") {
      document.querySelectorAll<HTMLElement>(".cf-turnstile").forEach((place) => api.render(place));
    }
    const onload = query.get("onload");
    const callback = onload === null ? undefined : (window as unknown as Params)[onload];
    if (typeof callback === "function") {
      callback();
    }
  });
}
