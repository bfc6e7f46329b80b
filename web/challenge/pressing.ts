// The button: pressed by pointer, keyboard or assistive technology alike. What the browser's own events say of each press
// goes along (see botproxy/challenges/presses.py); nothing of it tells who somebody is.

/** Kind, times, place, button, way of the pointer, trust. */
export type Press = [string, ...number[]];

const KEY_PATIENCE = 600;
const LATE = 5000; // milliseconds that an event may wait to be heard; more is another clock

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function active(): boolean {
  const activation = (navigator as { userActivation?: { hasBeenActive: boolean } }).userActivation;
  return !activation || activation.hasBeenActive;
}

// Scales by which a browser that hides its own may draw: then a place is a whole one times the scale.
const SCALES = [1.1, 1.2, 1.25, 4 / 3, 1.5, 5 / 3, 1.75, 2, 2.25, 2.5, 3, 0.9, 0.8, 0.75, 2 / 3, 0.5];

function off(value: number): boolean {
  return Math.abs(value - Math.round(value)) > 0.002;
}

/**
 * Counts the places where no pointing device puts a mouse: on a screen without scaling they are whole, and with Wayland
 * there are 256 in a pixel. Macs have finer ones, and other engines than Chromium were not looked at.
 */
function counter(): (event: PointerEvent) => number {
  const missed = SCALES.map(() => 0);
  let fine = 0;
  const looks = navigator.vendor === "Google Inc." && !/^(Mac|i[PM])/.test(navigator.platform);
  return (event) => {
    const viewport = window.visualViewport;
    if (looks && event.pointerType === "mouse" && window.devicePixelRatio === 1 && (!viewport || viewport.scale === 1)) {
      const { clientX: x, clientY: y } = event;
      fine += off(x * 256) || off(y * 256) ? 1 : 0;
      SCALES.forEach((scale, at) => (missed[at]! += off(x * scale) || off(y * scale) ? 1 : 0));
    }
    return Math.min(fine, ...missed);
  };
}

function once(button: HTMLButtonElement, shift: number, clock: () => number): Promise<Press> {
  return new Promise((resolve) => {
    const shown = clock();
    let trusted = true;
    let pointer: PointerEvent | null = null;
    let key = false;
    let down = 0;
    let up = 0;
    let moves = 0;
    let travel = 0;
    let turns = 0;
    let between = 0;
    const count = counter();
    let last: { x: number; y: number; across: number; along: number } | null = null;
    let clicked: MouseEvent | null = null;
    const listening: [EventTarget, string, EventListener][] = [];
    function listen(target: EventTarget, name: string, listener: (event: never) => void): void {
      target.addEventListener(name, listener as EventListener, { capture: true, passive: true });
      listening.push([target, name, listener as EventListener]);
    }
    function seen(event: Event): void {
      trusted = trusted && event.isTrusted;
    }
    // When it happened, and not when a busy page came to it: a press would else take no time.
    function moment(event: Event): number {
      const late = performance.now() - event.timeStamp;
      return Math.max(shown, clock() - (late > 0 && late < LATE ? late : 0));
    }
    function finish(): void {
      for (const [target, name, listener] of listening) {
        target.removeEventListener(name, listener, { capture: true });
      }
      const click = clicked!;
      const box = button.getBoundingClientRect();
      const at = pointer || click;
      const kind = pointer ? (pointer.pointerType === "mouse" ? "mouse" : "touch") : key ? "keyboard" : "assisted";
      const end = clock();
      resolve([
        kind, round(shown), round(kind === "assisted" ? end : down), round(kind === "assisted" ? end : up || end),
        round(at.clientX), round(at.clientY), round(box.left), round(box.top), round(box.width), round(box.height),
        moves, round(travel), turns, trusted ? 1 : 0, active() ? 1 : 0, round(shift),
        !pointer || pointer.pressure > 0 ? 1 : 0, between,
      ]);
    }
    listen(document, "pointermove", (event: PointerEvent) => {
      seen(event);
      const across = last ? event.clientX - last.x : 0;
      const along = last ? event.clientY - last.y : 0;
      if (last && (across || along)) {
        travel += Math.hypot(across, along);
        turns += across * last.across + along * last.along < 0 ? 1 : 0;
      }
      moves++;
      between = count(event);
      last = { x: event.clientX, y: event.clientY, across, along };
    });
    listen(button, "pointerdown", (event: PointerEvent) => {
      seen(event);
      pointer = event;
      key = false;
      down = moment(event);
      up = 0;
    });
    listen(button, "pointerup", (event: PointerEvent) => {
      seen(event);
      up = moment(event);
    });
    listen(button, "keydown", (event: KeyboardEvent) => {
      if ((event.key === "Enter" || event.key === " ") && !event.repeat) {
        seen(event);
        key = true;
        pointer = null;
        down = moment(event);
        up = 0;
      }
    });
    listen(button, "keyup", (event: KeyboardEvent) => {
      if (event.key === "Enter" || event.key === " ") {
        seen(event);
        up = moment(event);
        if (clicked) {
          finish();
        }
      }
    });
    listen(button, "click", (event: MouseEvent) => {
      if (clicked) {
        return;
      }
      seen(event);
      clicked = event;
      if (key && !up) {
        setTimeout(() => up || finish(), KEY_PATIENCE); // Enter presses while it is still down
      } else if (!key || up) {
        setTimeout(finish, 0); // after the keyup of a space, whichever comes first
      }
    });
  });
}

/** Have the button pressed as often as there are places; each is a pause and a way aside, in per mille of the room. */
export async function pressed(
  button: HTMLButtonElement, places: [number, number][], clock: () => number, show: (number: number) => void,
): Promise<Press[]> {
  const found: Press[] = [];
  for (const [milliseconds, aside] of places) {
    button.disabled = true;
    await pause(milliseconds);
    button.disabled = false;
    button.hidden = false;
    button.style.setProperty("margin-left", "0");
    const room = Math.max(0, button.parentElement!.clientWidth - button.offsetWidth);
    const shift = Math.round((room * aside) / 1000);
    button.style.setProperty("margin-left", shift + "px");
    show(found.length);
    button.focus({ preventScroll: true });
    found.push(await once(button, shift, clock));
  }
  button.hidden = true;
  return found;
}
