// The challenge page: does what the challenge asks for, hands it in, and says what is wrong when it cannot go on.
import { collect } from "../jsd/collect";
import { pressed, type Press } from "./pressing";
import { now, type Progress, type Puzzle } from "./puzzle";
import { Watch } from "./watching";
import { work } from "./working";

interface Challenge extends Puzzle {
  token: string;
  seed: string;
  lifetime: number;
  level: number;
  step: number;
  presses: [number, number][];
  failures: number;
}

interface Data extends Challenge {
  flow: string;
  probe: string;
  repeatable: boolean;
  replay?: string;
  words: { [name: string]: string };
}

interface Form {
  action: string;
  type: string;
  fields: [string, string][];
}

interface Reply {
  ok: boolean;
  next?: string;
  form?: Form;
  reason?: string;
  wait?: number;
  challenge?: Challenge;
}

/** What a reloaded page goes on from. */
interface Saved {
  href: string;
  until: number;
  challenge: Challenge;
  progress: Progress;
}

/** When a challenge was passed, and which: its level and address. */
type Try = [number, string];

const TRIES = 3; // successes without getting through before a loop is called one
const TRIES_WITHIN = 180000; // milliseconds
const TRIES_ANYWHERE = 12; // the same of all addresses of a tab, for a loop that goes on elsewhere each time
const ANSWER_WITHIN = 15000;
const REPORT_WITHIN = 8000;
const FAILURES = 3;
const MARGIN = 15000; // of a saved challenge, in which it has to be handed in
const SAVED = "cf_chl_work";
const TRIED = "cf_chl_tries";
const CHANNEL = "cf_chl";

export function page(script: string): void {
  const data = JSON.parse(document.getElementById("challenge")!.textContent!) as Data;
  const words = data.words;
  const shown = document.querySelector("[data-state]")!;
  const status = document.getElementById("status")!;
  const button = document.getElementById("again") as HTMLButtonElement;
  let leaving = false;
  let stopped = false;
  const watch = new Watch(data.probe, (target) => target === button || !!target && (target as Element).id === "human");

  function say(state: string, text: string, label?: string, action?: () => void): void {
    shown.setAttribute("data-state", state);
    status.textContent = text;
    button.hidden = !label;
    if (label) {
      button.textContent = label;
      button.onclick = action || null;
    }
  }

  function offerReport(): void {
    const report = document.getElementById("report") as HTMLDetailsElement | null;
    if (report) {
      report.open = true;
    }
  }

  function stop(text: string, action?: () => void): void {
    human().hidden = true;
    say("stopped", text, words.retry, () => {
      stopped = false;
      if (action) {
        action();
      } else {
        remember([]);
        location.reload();
      }
    });
    stopped = true;
  }

  function human(): HTMLButtonElement {
    let found = document.getElementById("human") as HTMLButtonElement | null;
    if (!found) {
      found = document.createElement("button");
      found.id = "human";
      found.type = "button";
      found.hidden = true;
      found.textContent = words.confirm || "I am human";
      button.parentElement!.insertBefore(found, button);
    }
    return found;
  }

  // Storage may be closed to us. Then a loop is still told by the page's own entry in the history, and a reloaded page
  // begins anew.
  function stored(name: string): unknown {
    try {
      return JSON.parse(sessionStorage.getItem(name) || "null");
    } catch (closed) {
      return (history.state || {})[name];
    }
  }

  function store(name: string, value: unknown): void {
    try {
      sessionStorage.setItem(name, JSON.stringify(value));
    } catch (closed) {
      try {
        history.replaceState({ ...history.state, [name]: value }, "");
      } catch (refused) { /* then a loop is ended by the reader */ }
    }
  }

  // A visitor who opens several pages, or one that asks for more than another, passes several challenges and is in no loop:
  // a loop comes back to the same address with the same wish.
  const wish = data.level + " " + location.pathname + location.search;

  function tries(): Try[] {
    const moments = stored(TRIED);
    const since = Date.now() - TRIES_WITHIN;
    return Array.isArray(moments) ? moments.filter((each: Try) => each && each[0] > since) : [];
  }

  function loops(): boolean {
    const all = tries();
    return all.length >= TRIES_ANYWHERE || all.filter((each) => each[1] === wish).length >= TRIES;
  }

  function remember(moments: Try[]): void {
    store(TRIED, moments);
  }

  function tried(): void {
    remember(tries().concat([[Date.now(), wish]]).slice(-TRIES_ANYWHERE));
  }

  function saved(): Saved | null {
    const found = stored(SAVED) as Saved | null;
    const good = found && found.href === location.href && found.until > Date.now() + MARGIN && found.progress &&
      found.challenge && found.challenge.level === data.level && found.challenge.step === data.step;
    return good ? found : null;
  }

  function ask<Answer>(path: string, body?: string): Promise<Answer> {
    const asked = fetch(path, {
      method: body ? "POST" : "GET",
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      headers: body ? { "Content-Type": "application/json" } : {},
      ...(body ? { body } : {}),
    }).then((response) => response.json() as Promise<Answer>);
    return Promise.race([asked, new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error("no answer")), ANSWER_WITHIN);
    })]);
  }

  function again(): void {
    tried();
    store(SAVED, null);
    if (data.repeatable) {
      location.reload();
    } else {
      stop(words.failed!);
    }
  }

  // Going to the very address we are at, with a fragment, would only scroll; reloading keeps the fragment and fetches.
  function leave(path: string): void {
    leaving = true;
    const target = path ? new URL(path, location.href) : location;
    const same = target.pathname === location.pathname && target.search === location.search;
    tried();
    store(SAVED, null);
    if (!data.repeatable) {
      // What was posted was too large to be kept here, or another site's: only the browser itself still has it.
      say("done", words.submit_again!, words.go_on, () => history.back());
      button.focus();
    } else if (same || target.origin !== location.origin) {
      location.reload();
    } else {
      location.replace(path + location.hash);
    }
  }

  // What was posted goes out once more, byte for byte: the server has seen that a form can say it so. Every byte has a
  // letter in windows-1252, and text areas, unlike hidden fields, have no names of special meaning.
  function submit(form: Form): void {
    leaving = true;
    tried();
    store(SAVED, null);
    const made = document.createElement("form");
    made.method = "post";
    made.action = form.action || location.href;
    made.enctype = form.type;
    made.acceptCharset = "windows-1252";
    made.hidden = true;
    for (const [name, value] of form.fields) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      made.appendChild(field);
    }
    document.body.appendChild(made);
    HTMLFormElement.prototype.submit.call(made);
  }

  // Tabs that wait with the same cookie: one of them solves, the others look whether that lets them through.
  let channel: BroadcastChannel | null = null;
  try {
    channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = () => look();
  } catch (none) { /* an old browser: each tab solves its own */ }

  function look(): void {
    if (leaving || !data.repeatable || data.failures >= FAILURES) {
      return;
    }
    ask<{ cleared: boolean; level: number }>(data.probe).then((probed) => {
      if (!leaving && probed.cleared && probed.level >= data.level && !loops()) {
        leave("");
      }
    }).catch(() => undefined);
  }

  function settle(reply: Reply, challenge: Challenge, body: string, patience: number, mine: boolean): void {
    if (leaving) {
      return;
    }
    if (reply.ok) {
      say("done", words.done!);
      ask<{ cleared: boolean }>(data.probe).catch(() => {
        return { cleared: true }; // unknown: the count of tries still ends a loop
      }).then((probed) => {
        if (leaving) {
          return;
        }
        if (!probed.cleared) {
          stop(words.cookies!);
          return;
        }
        if (channel) {
          channel.postMessage(challenge.level);
        }
        if (reply.form) {
          submit(reply.form);
        } else {
          leave(reply.next || "");
        }
      });
      return;
    }
    store(SAVED, null);
    const next = reply.challenge;
    if (reply.reason === "early" && patience > 0) {
      setTimeout(() => send(challenge, body, patience - 1, mine), Math.min(reply.wait || 500, 30000));
    } else if (next && (reply.reason === "moved" || reply.reason === "click")) {
      run(next, null);
    } else if (next && (reply.reason === "unproven" || reply.reason === "input")) {
      run(next, null, words.failed);
    } else if (reply.reason === "automated") {
      if (!next) {
        offerReport();
      }
      stop(words.failed!, next && (() => run(next, null)));
    } else if (!mine) {
      run(data, null); // what was saved is of no use any more
    } else if (reply.reason === "expired" || reply.reason === "used" || reply.reason === "visitor") {
      again();
    } else {
      if (reply.reason !== "busy") {
        offerReport();
      }
      stop(reply.reason === "busy" ? words.offline! : words.failed!);
    }
  }

  function send(challenge: Challenge, body: string, patience: number, mine: boolean): void {
    ask<Reply>(data.flow, body).then((reply) => settle(reply, challenge, body, patience, mine)).catch(() => {
      if (!leaving) {
        stop(words.offline!, () => {
          say("working", words.working!);
          send(challenge, body, 2, mine);
        });
      }
    });
  }

  // It is closed after the presses: a program may show itself until then.
  function report(challenge: Challenge, made: Promise<unknown>): Promise<string | null> {
    if (challenge.step < 1) {
      return Promise.resolve(null);
    }
    return Promise.race<string | null>([
      collect(challenge.seed, script, watch.signs(made)),
      made.then(() => new Promise((resolve) => setTimeout(() => resolve(null), REPORT_WITHIN))),
    ]).catch(() => null);
  }

  function presses(challenge: Challenge, text?: string): Promise<Press[] | null> {
    if (!challenge.presses.length) {
      return Promise.resolve(null);
    }
    const begun = now();
    const asks = words.click || "Confirm that you are human.";
    return pressed(human(), challenge.presses, () => now() - begun, (number) => {
      say("click", number || !text ? asks : text + " " + asks);
    }).then((found) => {
      say("working", words.working!);
      return found;
    });
  }

  function run(challenge: Challenge, from: Progress | null, text?: string): void {
    const until = Date.now() + challenge.lifetime;
    const progress: Progress = from || { answer: "", number: 0, spent: 0 };
    if (!challenge.presses.length) {
      say("working", words.working!);
    }
    const slow = setTimeout(() => {
      if (!leaving && !stopped && shown.getAttribute("data-state") === "working") {
        status.textContent = words.slow!;
      }
    }, challenge.budget + 1500);
    let kept = 0;
    function keep(now: Progress): void {
      if (!leaving && Date.now() - kept > 200) {
        kept = Date.now();
        store(SAVED, { href: location.href, until, challenge, progress: now });
      }
    }
    const pressing = presses(challenge, text);
    Promise.all([
      work(challenge, progress, script, keep, () => leaving), report(challenge, pressing), pressing,
    ]).then(([answer, found, made]) => {
      clearTimeout(slow);
      if (leaving) {
        return;
      }
      const body = {
        token: challenge.token, answer,
        ...(found === null ? {} : { report: found }), ...(made === null ? {} : { presses: made }),
        ...(data.replay ? { replay: data.replay } : {}),
      };
      send(challenge, JSON.stringify(body), 2, from === null);
    });
  }

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) { // brought back from memory: what is on the page was used already
      location.reload();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      look();
    }
  });

  if (data.failures >= FAILURES) {
    offerReport();
  }
  if (loops()) {
    stop(words.loop!);
    offerReport();
  } else if (navigator.cookieEnabled === false) {
    stop(words.cookies!);
  } else {
    const before = saved();
    run(before ? before.challenge : data, before ? before.progress : null);
  }
}
