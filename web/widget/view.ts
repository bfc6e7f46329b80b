// What a visitor sees of a widget: a shadow tree, so that the page's styles and ours leave each other alone. Styles are a
// constructed sheet where there is one, which no Content-Security-Policy forbids; a style element elsewhere.
const CSS = `
:host { all: initial; display: block; width: fit-content; max-width: 100%; }
:host([hidden]), [hidden] { display: none !important; }
.box {
  --ground: #fff; --edge: #c3c8d2; --text: #1b1f27; --accent: #1d5fc4; --good: #1a7a3f; --bad: #a8341f; --track: #d9dce3;
  box-sizing: border-box; width: 300px; max-width: 100%; min-height: 65px; padding: 10px 14px; display: flex; gap: 12px;
  align-items: center; border: 1px solid var(--edge); border-radius: 8px; background: var(--ground); color: var(--text);
  font: 15px/1.35 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; text-align: start;
}
.box.dark { --ground: #1d2027; --edge: #4a5160; --text: #eceef2; --accent: #7fb1ff; --good: #6fd39a; --bad: #ff9d88; --track: #343a46; }
.box.compact { width: 150px; min-height: 140px; flex-direction: column; justify-content: center; text-align: center; }
.box.flexible { width: 100%; min-width: min(300px, 100%); }
.mark { flex: none; box-sizing: border-box; width: 24px; height: 24px; border-radius: 50%; border: 3px solid var(--track);
  border-top-color: var(--accent); animation: turn .9s linear infinite; }
.done .mark, .failed .mark, .expired .mark { animation: none; position: relative; border: 0; }
.done .mark { background: var(--good); }
.done .mark::after { content: ""; position: absolute; left: 9px; top: 4px; width: 5px; height: 11px;
  border: solid var(--ground); border-width: 0 3px 3px 0; transform: rotate(43deg); }
.failed .mark, .expired .mark { background: var(--bad); }
.failed .mark::after, .expired .mark::after { content: "!"; position: absolute; inset: 0; text-align: center; font-weight: 800;
  line-height: 24px; color: var(--ground); }
.click .mark { display: none; }
button { font: inherit; color: inherit; background: transparent; border: 0; padding: 4px; margin: -4px; min-height: 44px;
  display: flex; gap: 12px; align-items: center; cursor: pointer; text-align: start; border-radius: 6px; }
button i { flex: none; box-sizing: border-box; width: 24px; height: 24px; border: 2px solid var(--accent); border-radius: 5px; }
.failed button, .expired button { display: inline; min-height: 24px; color: var(--accent); text-decoration: underline; padding: 0 4px; margin: 0; }
.failed button i, .expired button i { display: none; }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@keyframes turn { to { transform: rotate(1turn); } }
@keyframes pulse { 50% { opacity: .35; } }
@media (prefers-reduced-motion: reduce) { .mark { animation: pulse 2.4s ease-in-out infinite; border-color: var(--accent); } }
@media (forced-colors: active) { .mark { border-color: GrayText; border-top-color: CanvasText; } button i { border-color: ButtonText; } }
`;

export type State = "working" | "click" | "done" | "failed" | "expired";

export interface Look {
  theme: string;
  size: string;
  tabindex: string;
}

export class View {
  private readonly host = document.createElement("div");
  private readonly box = document.createElement("div");
  private readonly said = document.createElement("span");
  private readonly button = document.createElement("button");
  private readonly label = document.createElement("span");

  constructor(container: HTMLElement, look: Look) {
    const root = this.host.attachShadow({ mode: "open" });
    style(root);
    const dark = look.theme === "dark" || (look.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.box.className = `box ${look.size} ${dark ? "dark" : ""}`;
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.setAttribute("aria-hidden", "true");
    const text = document.createElement("div");
    this.said.setAttribute("role", "status");
    this.button.type = "button";
    this.button.hidden = true;
    if (look.tabindex) {
      this.button.tabIndex = parseInt(look.tabindex, 10) || 0;
    }
    const tick = document.createElement("i");
    tick.setAttribute("aria-hidden", "true");
    this.button.append(tick, this.label);
    text.append(this.said, this.button);
    this.box.append(mark, text);
    root.append(this.box);
    container.append(this.host);
  }

  language(language: string, direction: string): void {
    this.box.lang = language;
    this.box.dir = direction;
  }

  /** Show a state; `label` and `press` are those of the button, where there is something to press. */
  show(state: State, text: string, label?: string, press?: () => void): void {
    this.box.classList.remove("working", "click", "done", "failed", "expired");
    this.box.classList.add(state);
    this.said.textContent = text;
    this.button.hidden = !press;
    this.label.textContent = label ?? "";
    // A script can call click(): only a visitor's own press is trusted.
    this.button.onclick = press ? (event) => { if (event.isTrusted) { press(); } } : null;
  }

  visible(shown: boolean): void {
    this.host.hidden = !shown;
  }

  remove(): void {
    this.host.remove();
  }
}

let sheet: CSSStyleSheet | null = null;

function style(root: ShadowRoot): void {
  try {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
    }
    root.adoptedStyleSheets = [sheet];
  } catch (old) {
    const element = document.createElement("style");
    element.textContent = CSS;
    const carrier = document.querySelector<HTMLElement>("script[nonce]");
    if (carrier) {
      element.nonce = carrier.nonce ?? "";
    }
    root.append(element);
  }
}
