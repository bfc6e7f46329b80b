// Work whose answers only something that lays out, hits, measures and matches as browsers do can give. The seed chooses
// it; the server computes the answers. Boxes alone, no text and no border: fonts, zoom and settings change nothing.
// Styles are set one by one, because a policy may forbid style sheets and attributes.
import type { Draw } from "./sealing";

type Styles = Record<string, string>;

export interface Answers {
  chains: (number[] | null)[];
  hits: number[] | null;
  curve: number[] | null;
  media: number[] | null;
}

const CHAINS = 4;

export function make(parent: Element | ShadowRoot, styles: Styles): HTMLElement {
  const element = parent.ownerDocument!.createElement("div");
  for (const name in styles) {
    element.style.setProperty(name, styles[name]!);
  }
  return parent.appendChild(element);
}

function px(value: number): string {
  return value + "px";
}

function transform(draw: Draw, element: HTMLElement): void {
  if (!draw(0, 1)) {
    return;
  }
  const steps: string[] = [];
  for (let left = draw(1, 2); left > 0; left--) {
    switch (draw(0, 3)) {
      case 0:
        steps.push(`translate(${draw(-40, 40)}px,${draw(-30, 30)}%)`);
        break;
      case 1:
        steps.push(`rotate(${draw(-80, 80)}deg)`);
        break;
      case 2:
        steps.push(`scale(${draw(60, 140) / 100},${draw(60, 140) / 100})`);
        break;
      default:
        steps.push(`skewX(${draw(-30, 30)}deg)`);
    }
  }
  element.style.setProperty("transform", steps.join(" "));
  element.style.setProperty("transform-origin", `${draw(0, 100)}% ${draw(0, 100)}%`);
}

function flex(draw: Draw, box: HTMLElement): HTMLElement {
  const column = draw(0, 1);
  box.style.setProperty("display", "flex");
  box.style.setProperty("flex-direction", (column ? "column" : "row") + (draw(0, 1) ? "-reverse" : ""));
  box.style.setProperty("direction", draw(0, 1) ? "rtl" : "ltr");
  const items: HTMLElement[] = [];
  for (let left = draw(3, 5); left > 0; left--) {
    items.push(make(box, {
      position: "relative", "flex-basis": px(draw(20, 120)), "flex-grow": "" + draw(0, 3), "flex-shrink": "1",
      margin: px(draw(0, 8)), order: "" + draw(0, 2),
    }));
  }
  return items[draw(0, items.length - 1)]!;
}

function tracks(draw: Draw): [number, string] {
  const number = draw(2, 4);
  const sizes: string[] = [];
  for (let left = number; left > 0; left--) {
    sizes.push(draw(0, 1) ? draw(1, 3) + "fr" : px(draw(20, 90)));
  }
  return [number, sizes.join(" ")];
}

function grid(draw: Draw, box: HTMLElement): HTMLElement {
  const [columns, across] = tracks(draw);
  const [rows, down] = tracks(draw);
  const styles: Styles = {
    display: "grid", "grid-template-columns": across, "grid-template-rows": down, "grid-gap": px(draw(0, 12)),
    direction: draw(0, 1) ? "rtl" : "ltr",
  };
  for (const name in styles) {
    box.style.setProperty(name, styles[name]!);
  }
  const column = draw(1, columns);
  const row = draw(1, rows);
  return make(box, {
    position: "relative",
    "grid-column": `${column} / span ${draw(1, columns - column + 1)}`,
    "grid-row": `${row} / span ${draw(1, rows - row + 1)}`,
  });
}

function placed(draw: Draw, box: HTMLElement): HTMLElement {
  box.style.setProperty("--p", draw(-20, 60) + "%");
  box.style.setProperty("--q", px(draw(-30, 60)));
  return make(box, {
    position: "absolute",
    [draw(0, 1) ? "left" : "right"]: "calc(var(--p) + var(--q))",
    width: `max(${draw(10, 60)}%, ${draw(30, 160)}px)`,
    [draw(0, 1) ? "top" : "bottom"]: `calc(${draw(0, 50)}% - ${draw(0, 40)}px * 1.5)`,
    height: `min(${draw(30, 120)}%, ${draw(40, 200)}px)`,
  });
}

function flow(draw: Draw, box: HTMLElement): HTMLElement {
  const mode = draw(0, 2);
  box.style.setProperty("writing-mode", ["horizontal-tb", "vertical-rl", "vertical-lr"][mode]!);
  box.style.setProperty("direction", draw(0, 1) ? "rtl" : "ltr");
  const items: HTMLElement[] = [];
  for (let left = draw(2, 4); left > 0; left--) {
    const block = px(draw(20, 90));
    const inline = px(draw(40, 150));
    const before = px(draw(-10, 25));
    const after = px(draw(-10, 25));
    items.push(make(box, {
      position: "relative", width: mode ? block : inline, height: mode ? inline : block,
      ["margin-" + ["top", "right", "left"][mode]!]: before, ["margin-" + ["bottom", "left", "right"][mode]!]: after,
    }));
  }
  return items[draw(0, items.length - 1)]!;
}

function scrolled(draw: Draw, box: HTMLElement, later: (() => void)[]): HTMLElement {
  box.style.setProperty("overflow", "hidden");
  const across = draw(420, 900);
  const down = draw(420, 900);
  make(box, { position: "absolute", left: "0px", top: "0px", width: px(across), height: px(down) });
  const left = draw(0, across - 420);
  const top = draw(0, down - 420);
  later.push(() => {
    box.scrollLeft = left;
    box.scrollTop = top;
  });
  return make(box, {
    position: "absolute", left: px(draw(0, 300)), top: px(draw(0, 300)), width: px(draw(60, 200)),
    height: px(draw(60, 200)),
  });
}

function animated(draw: Draw, box: HTMLElement): HTMLElement {
  const from = { left: px(draw(0, 100)), width: px(draw(40, 100)) };
  const to = { left: px(draw(0, 300)), width: px(draw(60, 250)) };
  const easing = draw(0, 1)
    ? `cubic-bezier(${draw(0, 100) / 100},${draw(-50, 150) / 100},${draw(0, 100) / 100},${draw(-50, 150) / 100})`
    : `steps(${[3, 7, 9][draw(0, 2)]!},${draw(0, 1) ? "start" : "end"})`;
  const time = draw(50, 950);
  const item = make(box, { position: "absolute", top: px(draw(0, 100)), height: px(draw(50, 200)) });
  const animation = item.animate([from, to], { duration: 1000, fill: "both", easing });
  animation.pause();
  animation.currentTime = time;
  return item;
}

function floating(draw: Draw, box: HTMLElement): HTMLElement {
  const side = draw(0, 1) ? "left" : "right";
  const height = px(draw(20, 50));
  const items: HTMLElement[] = [];
  for (let left = draw(3, 6); left > 0; left--) {
    items.push(make(box, { position: "relative", float: side, height, width: px(draw(40, 150)) }));
  }
  return items[draw(0, items.length - 1)]!;
}

const LEVELS = [flex, grid, placed, flow, scrolled, animated, floating];

// Boxes in boxes, each laid out in another way in the one before.
function chain(draw: Draw, root: HTMLElement, later: (() => void)[]): HTMLElement {
  let item = make(root, {
    position: "absolute", left: px(draw(0, 80)), top: px(draw(0, 60)), width: px(draw(400, 760)),
    height: px(draw(300, 560)),
  });
  for (let left = draw(3, 5); left > 0; left--) {
    const box = make(item, {
      position: "absolute",
      left: `calc(${draw(-10, 60)}% + ${draw(0, 60) - 20}px)`, top: `calc(${draw(-10, 60)}% + ${draw(0, 60) - 20}px)`,
      width: px(draw(200, 400)), height: px(draw(200, 400)), "writing-mode": "horizontal-tb", direction: "ltr",
    });
    item = LEVELS[draw(0, 6)]!(draw, box, later);
    transform(draw, item);
  }
  return item;
}

function hits(draw: Draw, root: HTMLElement, width: number, height: number): number[] {
  const board = make(root, {
    position: "absolute", left: "0px", top: "0px", width: px(width), height: px(height), "z-index": "9",
  });
  const boxes: Element[] = [];
  for (let left = draw(6, 9); left > 0; left--) {
    const box = make(board, {
      position: "absolute", left: px(draw(0, width - 150)), top: px(draw(0, height - 150)), width: px(draw(60, 220)),
      height: px(draw(60, 200)), "z-index": "" + draw(-2, 4),
    });
    boxes.push(box);
    const style = box.style;
    switch (draw(0, 3)) {
      case 1:
        style.setProperty("border-radius", "50%");
        break;
      case 2:
        style.setProperty("clip-path", `polygon(0% 0%, 100% 0%, ${draw(0, 100)}% 100%)`);
        break;
      case 3:
        style.setProperty("transform", `rotate(${draw(10, 80)}deg)`);
        break;
    }
    switch (draw(0, 7)) {
      case 0:
        style.setProperty("pointer-events", "none");
        break;
      case 1:
        style.setProperty("visibility", "hidden");
        break;
    }
  }
  const found: number[] = [];
  for (let left = 10; left > 0; left--) {
    const x = draw(5, width - 5);
    const y = draw(5, height - 5);
    const hit = root.ownerDocument.elementFromPoint(x, y);
    found.push(hit ? boxes.indexOf(hit) : -2);
  }
  return found;
}

function curve(draw: Draw, root: HTMLElement): number[] {
  const space = "http://www.w3.org/2000/svg";
  const canvas = root.ownerDocument.createElementNS(space, "svg");
  const path = root.ownerDocument.createElementNS(space, "path") as SVGPathElement;
  let x = draw(0, 200);
  let y = draw(0, 200);
  let text = `M${x} ${y}`;
  for (let left = draw(3, 6); left > 0; left--) {
    if (draw(0, 1)) {
      const across = draw(20, 120) * (draw(0, 1) ? 1 : -1);
      x += across;
      const radius = Math.abs(across) / 2;
      text += `A${radius} ${radius} 0 0 ${draw(0, 1)} ${x} ${y}`;
    } else {
      x = draw(0, 300);
      y = draw(0, 300);
      text += `L${x} ${y}`;
    }
  }
  path.setAttribute("d", text);
  canvas.appendChild(path);
  root.appendChild(canvas);
  const length = path.getTotalLength();
  const found = [length];
  for (let left = 3; left > 0; left--) {
    const point = path.getPointAtLength((length * draw(50, 950)) / 1000);
    found.push(point.x, point.y);
  }
  return found;
}

function media(draw: Draw, view: Window): number[] {
  const found: number[] = [];
  for (let left = 10; left > 0; left--) {
    const kind = draw(0, 4);
    let query: string;
    if (kind === 4) {
      query = `(min-aspect-ratio:${draw(5, 25)}/${draw(5, 25)})`;
    } else {
      query = `(${kind & 1 ? "max" : "min"}-${kind < 2 ? "width" : "height"}:${draw(250, 950)}px)`;
    }
    found.push(+view.matchMedia((draw(0, 1) ? "not all and " : "") + query).matches);
  }
  return found;
}

function tried(task: () => number[]): number[] | null {
  try {
    return task().map((value) => Math.round(value * 10) / 10);
  } catch (unable) {
    return null;
  }
}

export function size(draw: Draw): [number, number] {
  return [draw(500, 900), draw(400, 700)];
}

/**
 * Do all of it in the body of a frame of the size that `size` gave, or what needs no frame under a shadow root. `draw`
 * makes a new source of draws for a task.
 */
export function work(
  draw: (task: string) => Draw, body: HTMLElement | ShadowRoot, width: number, height: number,
): Answers {
  const framed = "ownerDocument" in body && "style" in body ? body : null;
  const view = body.ownerDocument!.defaultView!;
  const able = CSS.supports("width", "max(1px,2%)");
  const leaves: (HTMLElement | null)[] = [];
  const later: (() => void)[] = [];
  const root = make(body, { position: "absolute", left: "0px", top: "0px", "z-index": "0" });
  for (let at = 0; at < CHAINS; at++) {
    try {
      leaves.push(able ? chain(draw("chain" + at), root, later) : null);
    } catch (unable) {
      leaves.push(null);
    }
  }
  for (const one of later) {
    one();
  }
  const chains = leaves.map((leaf) => leaf && tried(() => {
    const found = leaf.getBoundingClientRect();
    return [found.left, found.top, found.width, found.height];
  }));
  return {
    chains,
    hits: framed && tried(() => hits(draw("hits"), framed, width, height)),
    curve: tried(() => curve(draw("curve"), root)),
    media: framed && tried(() => media(draw("media"), view)),
  };
}
