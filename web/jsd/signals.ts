// Signs of automation, by number. What each is called, what it weighs and why stands in the server's table,
// botproxy/scoring/jsd/signals.py; numbers are never used anew. Nothing here names or follows a person: no list of
// fonts or plug-ins, no picture, no sound; sizes and the like leave the browser as yes or no.
import { type WorkerFacts, hintsText, renderer } from "./worker";

type Any = any;

/** Collects numbers. A check that throws has no opinion. */
export class Signs {
  readonly found: number[] = [];

  note(number: number, check: () => unknown): void {
    try {
      if (check()) {
        this.found.push(number);
      }
    } catch (unable) { /* no opinion */ }
  }
}

const DRIVER = /^(\$?cdc_|\$wdc_|\$chrome_asyncScriptInfo|__\$webdriverAsyncExecutor|__(web)?driver_|__fxdriver_|__selenium_|__webdriver|selenium-evaluate|_selenium$|call(ed)?Selenium$|__lastWatir|_WEBDRIVER_ELEM_CACHE$|ChromeDriverw$|webdriver$|watinExpression)/m;
const DRIVER_COPIES = /^[a-z]{3}_.+_(Array|Promise|Symbol|Object|Proxy|JSON|Window)$/m;
const FRAMEWORK = /^(__playwright|__pw_|__pwInitScripts|__PW_|__puppeteer|puppeteer_|__nightmare|__phantomas|callPhantom|_phantom|awesomium|RunPerfTest|CefSharp|fmget_targets|geb$|wdioElectron|generateFunctionMocks|__rebrowser|__stagehand|__browser_use|__cypress|__testim|_cdp_|__utils__$)/m;
const AMBIGUOUS = ["emit", "spawn", "_Selenium_IDE_Recorder", "nightmare", "phantom", "Cypress", "Buffer"];
const GETTERS = ["userAgent", "platform", "languages", "plugins", "mimeTypes", "hardwareConcurrency", "deviceMemory", "vendor", "permissions", "appVersion", "language", "userAgentData"];

export interface Place {
  engine: "v8" | "gecko" | "webkit" | "other";
  modern: boolean; // a browser of 2022 or later
  phone: boolean; // says that it is one, or a tablet
}

// The engine by how its own functions print (33 characters in V8), asked of natives that no script reached.
export function place(frame: Any): Place {
  const length = frame.Function.prototype.toString.call(frame.eval).length;
  const style = frame.document.documentElement.style;
  const touching = /Mobi|Android|iPhone|iPad/.test(navigator.userAgent) ||
    (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  return {
    engine: length === 33 ? "v8" : "MozAppearance" in style || "mozInnerScreenX" in frame ? "gecko" : length === 37 ? "webkit" : "other",
    modern: typeof frame.Array.prototype.at === "function" && typeof frame.Object.hasOwn === "function",
    phone: touching,
  };
}

export function early(signs: Signs, frame: Any, here: Place): void {
  const me: Any = navigator;
  const other: Any = frame.navigator;
  const print = (one: unknown): string => frame.Function.prototype.toString.call(one);
  const isNative = (one: unknown, name: string): boolean => {
    const text = print(one);
    return /\{\s*\[native code\]\s*\}\s*$/.test(text) && text.indexOf(name) >= 0;
  };
  // A function never inherits from itself, but what a proxy hides may inherit from the proxy.
  const isProxy = (one: Any): boolean => {
    const before = Object.getPrototypeOf(one);
    try {
      Object.setPrototypeOf(one, Object.create(one));
    } catch (cyclic) {
      return false;
    }
    Object.setPrototypeOf(one, before);
    return true;
  };
  const isWhole = (one: unknown, name: string): boolean => isNative(one, name) && !isProxy(one);
  const getter = (of: Any, name: string): unknown => {
    const described = Object.getOwnPropertyDescriptor(of, name);
    return described && described.get;
  };
  const says = [me.userAgent, me.appVersion, other.userAgent, other.appVersion, hintsText(me), hintsText(other)].join();

  signs.note(1, () => me.webdriver === true);
  signs.note(2, () => other.webdriver === true && me.webdriver !== true);
  signs.note(3, () => Object.getOwnPropertyNames(me).indexOf("webdriver") >= 0);
  signs.note(4, () => {
    const found = getter(Navigator.prototype, "webdriver");
    if (!found) {
      return false;
    }
    if (!isWhole(found, "webdriver")) {
      return true;
    }
    try {
      void Navigator.prototype.webdriver; // throws where nobody put a value of their own
      return true;
    } catch (illegal) {
      return false;
    }
  });
  signs.note(5, () => here.modern && here.engine === "v8" && typeof me.webdriver !== "boolean");
  signs.note(6, () => {
    const described = Object.getOwnPropertyDescriptor(window, "navigator");
    return described && ("value" in described || !isNative(described.get, "navigator"));
  });

  // One text of a thousand lines: to ask for each name takes several times as long.
  const names = Object.getOwnPropertyNames(window).concat(Object.getOwnPropertyNames(document)).join("\n");
  signs.note(10, () => DRIVER.test(names) || DRIVER_COPIES.test(names));
  signs.note(11, () => FRAMEWORK.test(names));
  signs.note(12, () => AMBIGUOUS.some((name) => name in window));
  signs.note(13, () => ["selenium", "webdriver", "driver"].some((name) => document.documentElement.hasAttribute(name)));
  signs.note(14, () => "domAutomation" in window || "domAutomationController" in window);
  signs.note(15, () => {
    const node = (window as Any).process;
    return /Electron/.test(says) || (typeof node === "object" && node && (node.type === "renderer" || (node.versions && node.versions.electron)));
  });
  signs.note(16, () => /PhantomJS|SlimerJS/i.test(says) || /PhantomJS/i.test(String(new Error("").stack)) || !Function.prototype.bind);
  signs.note(17, () => /Sequentum/i.test(String((window as Any).external)));

  // Whoever listens to the console reads the stack of what is written to it. Ending a group writes nothing to read.
  signs.note(20, () => {
    let read = 0;
    frame.Error.prepareStackTrace = () => {
      read++;
      return "";
    };
    frame.console.groupEnd(new frame.Error(""));
    return read;
  });

  signs.note(30, () => /Headless/i.test(says));
  const desktop = !here.phone;
  const matches = (query: string): boolean => window.matchMedia(query).matches;
  signs.note(31, () => desktop && !navigator.maxTouchPoints && matches("(any-pointer:none)") && matches("(any-hover:none)"));
  signs.note(32, () => desktop && screen.width === 800 && screen.height === 600);
  signs.note(33, () => {
    if (!desktop || here.engine !== "v8" || !/Win|Linux/.test(me.platform)) {
      return false;
    }
    const box = frame.document.createElement("div");
    box.style.setProperty("overflow", "scroll");
    box.style.setProperty("width", "99px");
    frame.document.body.appendChild(box);
    const bar = box.offsetWidth - box.clientWidth;
    box.remove();
    return bar === 0;
  });
  signs.note(34, () => document.hasFocus() && !window.outerWidth && !window.outerHeight);
  const whole = window.innerWidth === screen.width && window.innerHeight === screen.height;
  const full = !!document.fullscreenElement || matches("(display-mode:fullscreen)");
  signs.note(35, () => desktop && here.engine === "v8" && whole && !full);
  signs.note(36, () => desktop && here.engine === "v8" && /Chrome\//.test(me.userAgent) && !me.plugins.length);
  signs.note(37, () => me.languages && !me.languages.length);
  signs.note(38, () => desktop && here.engine === "v8" && /Chrome\//.test(me.userAgent) && !(window as Any).chrome);
  const read = signs.found.indexOf(20) >= 0;
  const beyond = (by: number): boolean => window.outerWidth >= screen.width && window.outerHeight > screen.height + by;
  const large = desktop && here.engine === "v8" && (screen as Any).isExtended === false && !whole && beyond(100) &&
    window.outerWidth > screen.width + 100;
  signs.note(40, () => large);
  signs.note(43, () => large && read);
  // A screen made up by a debugger, while no developer tools listen.
  signs.note(41, () => desktop && here.engine === "v8" && whole && !full && beyond(20) && !read);

  // The screen that Firefox makes up without one, and a window that fills it, with its tool bars, under no hand.
  signs.note(42, () => here.engine === "gecko" && screen.width === 1366 && screen.height === 768 &&
    screen.availHeight === 768 && window.outerWidth === 1366 && window.outerHeight === 768 && !whole && !full &&
    !window.screenX && !window.screenY && matches("(any-pointer:none)"));

  signs.note(50, () => me.userAgent !== other.userAgent);
  signs.note(53, () => me.platform !== other.platform);
  signs.note(58, () => me.hardwareConcurrency !== other.hardwareConcurrency);
  signs.note(59, () => String(me.languages) !== String(other.languages));
  signs.note(64, () => {
    const claims = /CriOS|FxiOS|EdgiOS|OPiOS/.test(me.userAgent) ? "webkit"
      : /Firefox\//.test(me.userAgent) ? "gecko"
      : /Chrom(e|ium)\//.test(me.userAgent) ? "v8"
      : /Safari\//.test(me.userAgent) && !/Android/.test(me.userAgent) ? "webkit" : here.engine;
    return claims !== here.engine;
  });
  signs.note(65, () => {
    const system = /Windows/.test(me.userAgent) ? /^Win/ : /Macintosh/.test(me.userAgent) ? /^Mac/
      : /iPhone|iPad/.test(me.userAgent) ? /^i[PM]|^Mac/ : /Linux|Android|CrOS/.test(me.userAgent) ? /Linux|^ARM|^$/i : /./;
    return me.platform && !system.test(me.platform);
  });
  signs.note(66, () => {
    const version = /Chrome\/(\d+)/.exec(me.userAgent);
    const data = me.userAgentData;
    return version && data && data.brands.length && !data.brands.some((one: Any) => one.version === version[1]);
  });
  signs.note(67, () => {
    const from = me.userAgentData && me.userAgentData.platform;
    const system = /Windows/.test(me.userAgent) ? "Windows" : /Macintosh/.test(me.userAgent) ? "macOS" : "";
    return from && system && from !== system;
  });
  signs.note(68, () => me.productSub !== "20030107" && here.engine !== "gecko" && /Chrome|Safari/.test(me.userAgent));

  signs.note(70, () => GETTERS.some((name) => {
    if (Object.prototype.hasOwnProperty.call(me, name)) {
      return true;
    }
    const found = getter(Navigator.prototype, name);
    return found && !isWhole(found, name);
  }));
  signs.note(71, () => !isWhole(Function.prototype.toString, "toString"));
  const patched = (of: Any, name: string): boolean => of && of[name] && !isWhole(of[name], name);
  const gl = (window as Any).WebGLRenderingContext;
  signs.note(72, () => patched(gl && gl.prototype, "getParameter"));
  signs.note(73, () => patched((window as Any).Permissions && (window as Any).Permissions.prototype, "query") ||
    (me.permissions && Object.prototype.hasOwnProperty.call(me.permissions, "query")));
  signs.note(74, () => {
    const plugins: Any = me.plugins;
    const types: Any = me.mimeTypes;
    return Object.getPrototypeOf(plugins) !== PluginArray.prototype || Object.getPrototypeOf(types) !== MimeTypeArray.prototype ||
      Array.prototype.some.call(types, (one: Any) => Object.getPrototypeOf(one) !== MimeType.prototype) ||
      Array.prototype.some.call(plugins, (one: Any) => Object.getPrototypeOf(one) !== Plugin.prototype);
  });
  signs.note(75, () => {
    const found = getter(HTMLIFrameElement.prototype, "contentWindow");
    return !found || !isWhole(found, "contentWindow") || Object.getOwnPropertyNames(frame.frameElement).indexOf("contentWindow") >= 0;
  });
  signs.note(76, () => patched(HTMLMediaElement.prototype, "canPlayType"));
  signs.note(77, () => {
    const chrome = (window as Any).chrome;
    return chrome && chrome.runtime && (location.protocol === "http:" || chrome.runtime.connect && "prototype" in chrome.runtime.connect);
  });
  signs.note(78, () => patched(Date, "now") || patched(performance, "now") || Math.abs(Date.now() - frame.Date.now()) > 60000);
}

export function late(signs: Signs, worker: WorkerFacts | null, here: Place): void {
  const me: Any = navigator;
  if (worker) {
    const [agent, platform, languages, cores, driven, said, drawn] = worker;
    signs.note(30, () => /Headless/i.test(agent + said) && signs.found.indexOf(30) < 0);
    signs.note(51, () => agent !== me.userAgent);
    signs.note(52, () => platform !== me.platform);
    signs.note(54, () => languages !== String(me.languages || me.language));
    signs.note(55, () => cores && me.hardwareConcurrency && cores !== me.hardwareConcurrency);
    signs.note(56, () => driven === true);
    signs.note(57, () => said !== hintsText(me));
    signs.note(90, () => /SwiftShader|llvmpipe|Basic Render/i.test(drawn!));
    signs.note(92, () => (/Direct3D/.test(drawn!) && !/^Win/.test(me.platform)) || (/Metal|Apple M\d/.test(drawn!) && !/^(Mac|i[PM])/.test(me.platform) && here.engine === "v8"));
    signs.note(93, () => /Mesa OffScreen/.test(drawn!));
  }
  // A page's own context may take a second, so it is made only where somebody changed what it answers, and more is odd.
  const has = (number: number): boolean => signs.found.indexOf(number) >= 0;
  signs.note(91, () => has(72) && (has(20) || has(51) || has(52)) && here.engine === "v8" && here.modern &&
    renderer(document.createElement("canvas")) === "Intel Iris OpenGL Engine");
}

/** The contradiction of old headless browsers: notifications both refused and not asked for yet. */
export function permissions(signs: Signs): Promise<void> {
  const me: Any = navigator;
  if (!window.isSecureContext || typeof Notification === "undefined" || !me.permissions || Notification.permission !== "denied") {
    return Promise.resolve();
  }
  return Promise.race([
    me.permissions.query({ name: "notifications" }).then((status: PermissionStatus) => {
      signs.note(39, () => status.state === "prompt");
    }, () => undefined),
    new Promise<void>((resolve) => setTimeout(resolve, 300)),
  ]);
}
