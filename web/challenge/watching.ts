// What only a page of our own may look for: whether a browser was started as programs start theirs, and whether a program
// talks to it. Numbers are those of botproxy/scoring/jsd/signals.py. None of it is asked of browsers that were not
// looked at: phones, and other engines than Chromium's.

import { renderer } from "../jsd/worker";

const LAUNCH_WITHIN = 6000; // milliseconds, after which there is no opinion
const GRACE = 100; // for a message that took another way than the one it is compared with
const ODD_UNTIL = 2500; // milliseconds from the beginning of this script, for which an odd browser is watched
const EVERY = 40;

const WRITES = 50; // of the history, at a stretch
const MOST_WRITES = 400; // twice what Chromium takes in ten seconds
const SOON = 8000; // milliseconds in which those have to be done, for the limit to be seen

const SHARED = 44;
const NO_PINGS = 45;
const UNSEEN = 46;
const UNLIMITED = 47;
const SOFTWARE = 90;

// Whatever a hand, a screen reader or another program of the system does, one of these comes with it.
const DONE_BY_SOMEBODY = [
  "pointerdown", "pointerup", "mousedown", "mouseup", "touchstart", "touchend", "keydown", "keyup", "click", "auxclick",
  "contextmenu", "wheel", "dragenter", "drop", "paste", "beforeinput", "focusin",
];

function applies(): boolean {
  const version = /Chrome\/(\d+)/.exec(navigator.userAgent);
  return navigator.vendor === "Google Inc." && !!version && +version[1]! >= 120 &&
    !/Android|Mobi|; wv\)/.test(navigator.userAgent) && window === window.top;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function frame(address?: string): HTMLIFrameElement {
  const made = document.createElement("iframe");
  made.style.setProperty("display", "none");
  made.setAttribute("aria-hidden", "true");
  made.tabIndex = -1;
  if (address) {
    made.src = address;
  }
  document.body.appendChild(made);
  return made;
}

function message(channel: BroadcastChannel): Promise<boolean> {
  return new Promise((resolve) => {
    channel.onmessage = () => resolve(true);
  });
}

/**
 * Whether a document of ours inside one of somebody else's shares what is ours. Chromium parts that since version 115,
 * and tools of automation start it so that it does not. `address` is a small page of this site.
 */
async function shared(address: string): Promise<boolean> {
  const inside = new URL(address, location.href).href.replace(/["&<]/g, encodeURIComponent);
  const outer = frame("data:text/html," + encodeURIComponent(`<iframe src="${inside}"></iframe>`));
  const channels: BroadcastChannel[] = [];
  try {
    await new Promise((resolve, reject) => {
      outer.onload = resolve;
      outer.onerror = reject;
    });
    const inner = outer.contentWindow![0] as unknown as typeof window; // ours, or this throws
    const name = "" + Math.random();
    const open = (where: typeof window, called: string): BroadcastChannel => {
      const made = new where.BroadcastChannel(called);
      channels.push(made);
      return made;
    };
    const across = message(open(window, name));
    const control = message(open(inner, name + "c"));
    open(inner, name).postMessage(1);
    open(inner, name + "c").postMessage(1);
    return await Promise.race([across, control.then(() => pause(GRACE)).then(() => false)]);
  } finally {
    channels.forEach((one) => one.close());
    outer.remove();
  }
}

/** Whether links tell nobody that they were followed. Nothing is sent: the page's own policy forbids it and says so. */
async function pingless(): Promise<boolean> {
  const blank = frame();
  try {
    const inside = blank.contentDocument!;
    const refused = (address: string): Promise<boolean> => new Promise((resolve) => {
      inside.addEventListener("securitypolicyviolation", (event) => {
        if (event.blockedURI.indexOf(address) === 0) {
          resolve(true);
        }
      });
    });
    const ping = refused("https://ping.invalid");
    const control = refused("https://control.invalid");
    const link = inside.createElement("a");
    link.href = "about:blank#" + Math.random();
    link.setAttribute("ping", "https://ping.invalid/");
    inside.body.appendChild(link);
    link.click();
    (blank.contentWindow as unknown as typeof window).fetch("https://control.invalid/").catch(() => undefined);
    return await Promise.race([ping.then(() => false), control.then(() => pause(GRACE)).then(() => true)]);
  } finally {
    blank.remove();
  }
}

/**
 * Whether the history of a page takes whatever is written to it. Chromium stops at 200 times in ten seconds, and drivers
 * start it so that it does not. What is written is seen by nobody and adds no entry.
 */
async function unlimited(): Promise<boolean> {
  const blank = frame();
  try {
    const history = blank.contentWindow!.history;
    const begun = performance.now();
    for (let written = 1; written <= MOST_WRITES; written++) {
      history.replaceState(written, "");
      if (history.state !== written) {
        return false;
      }
      if (written % WRITES === 0) {
        await pause(0);
      }
    }
    return performance.now() - begun < SOON;
  } finally {
    blank.remove();
  }
}

function sign(number: number, asked: Promise<boolean>): Promise<number[]> {
  return Promise.race([asked, pause(LAUNCH_WITHIN).then(() => false)]).then((is) => (is ? [number] : []), () => []);
}

/** Begins when it is made, once for a page. */
export class Watch {
  private touched = false;
  private unseen = false;
  private launch: Promise<number[]> | null = null;
  private readonly able: boolean;
  private readonly begun = performance.now();

  /** `own` says whether an element gets the focus from the page itself. */
  constructor(private readonly address: string, own: (target: EventTarget | null) => boolean) {
    const activation = (navigator as { userActivation?: { hasBeenActive: boolean } }).userActivation;
    this.able = applies();
    if (!this.able || !activation || activation.hasBeenActive) {
      return; // what happened before this script ran was not seen
    }
    for (const name of DONE_BY_SOMEBODY) {
      window.addEventListener(name, (event) => {
        this.touched = this.touched || name !== "focusin" || !own(event.target);
      }, { capture: true, passive: true });
    }
    const timer = setInterval(() => {
      if (this.touched || this.unseen) {
        clearInterval(timer);
      } else if (activation.hasBeenActive) {
        this.unseen = true;
      }
    }, EVERY);
  }

  /** The signs, once `until` is over. A browser that is odd is watched a little longer, before anybody has to press. */
  async signs(until: Promise<unknown>): Promise<number[]> {
    if (!this.able) {
      return [];
    }
    this.launch = this.launch || Promise.all([
      sign(SHARED, shared(this.address)), sign(NO_PINGS, pingless()), sign(UNLIMITED, unlimited()),
    ]).then((all) => all.reduce((found, more) => found.concat(more)));
    const [found] = await Promise.all([this.launch, until]);
    while (found.length && !this.touched && !this.unseen && performance.now() - this.begun < ODD_UNTIL) {
      await pause(EVERY);
    }
    const more = this.unseen ? [UNSEEN] : [];
    // Asked of an odd browser alone: it may take a second. A worker that asks first thing often gets no answer.
    if (found.length && /SwiftShader|llvmpipe|Basic Render/i.test(renderer(document.createElement("canvas")) || "")) {
      more.push(SOFTWARE);
    }
    return found.concat(more);
  }
}
