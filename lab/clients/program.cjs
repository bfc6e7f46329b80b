// Runs the program of a served script without a browser: a document that remembers styles, and just enough layout for
// what these programs build. `node program.cjs` reads {"program": "...", "words": [8 numbers]} a line, answers a line.
"use strict";
const readline = require("readline");

const LENGTHS = { px: 1 };

function length(text, whole, vars) {
  // calc, max, min and var become the same in JavaScript.
  const plain = text
    .replace(/var\((--\w+),(-?[\d.]+px)\)/g, (all, name, other) => vars(name) || other)
    .replace(/(-?[\d.]+)%/g, (all, number) => `(${number}*${whole}/100)`)
    .replace(/(-?[\d.]+)px/g, "$1").replace(/calc/g, "").replace(/max/g, "Math.max").replace(/min/g, "Math.min");
  return Function(`return ${plain}`)() * LENGTHS.px;
}

class Box {
  constructor(parent) {
    this.up = parent;
    this.kids = [];
    this.marks = {};
    this.styles = {};
    this.style = { setProperty: (name, value) => { this.styles[name] = "" + value; } };
    this.left = 0;
    this.ownerDocument = { createElement: () => new Box(null) };
    this.scrolled = {};
  }
  appendChild(box) { box.up = this; this.kids.push(box); return box; }
  remove() {}
  toggleAttribute(name, on) { this.marks[name] = on; }
  querySelectorAll(selector) {
    const [, last, step, offset, name] = /^:nth-(last-)?child\((\d)n\+(\d)\):not\(\[(\w+)\]\)$/.exec(selector);
    return this.kids.filter((kid, at) => {
      const place = last ? this.kids.length - at : at + 1;
      return place >= +offset && (place - offset) % step === 0 && !kid.marks[name];
    });
  }
  get(name, other) { return name in this.styles ? this.styles[name] : other; }
  vars(name) { return this.styles[name] || (this.up && this.up.vars ? this.up.vars(name) : ""); }
  size(side) {
    const text = this.get(side, side === "width" && this.up ? this.up.size("width") + "px" : "0px");
    const holder = this.get("position") === "absolute" && this.up.get("position") !== "relative" ? this.up.up : this.up;
    return length(text, /%/.test(text) ? holder.size(side) : 0, (name) => this.vars(name));
  }
  px(name) { return parseFloat(this.get(name, "0")); }
  getBoundingClientRect() {
    const up = this.up;
    const all = up.kids;
    const at = all.indexOf(this);
    const found = { left: 0, top: 0, width: this.size("width"), height: this.size("height") };
    const turn = /rotate\(([\d.]+)deg\)/.exec(this.get("transform", ""));
    if (turn) {
      const [c, s] = [Math.cos(turn[1] * Math.PI / 180), Math.sin(turn[1] * Math.PI / 180)];
      const { width, height } = found;
      return { left: 0, top: 0, width: width * c + height * s, height: width * s + height * c };
    }
    if (up.get("display") === "flex") {
      const bases = all.map((kid) => kid.px("flex-basis"));
      const grows = all.map((kid) => kid.px("flex-grow"));
      const sum = (row) => row.reduce((one, other) => one + other, 0);
      const widths = bases.map((base, i) => base + (up.size("width") - sum(bases)) * grows[i] / sum(grows));
      found.width = widths[at];
      found.left = up.get("flex-direction") === "row" ? sum(widths.slice(0, at)) : up.size("width") - sum(widths.slice(0, at + 1));
    } else if (up.get("display") === "grid") {
      const tracks = up.get("grid-template-columns").split(" ");
      const gap = up.px("grid-gap");
      const total = (unit) => tracks.reduce((one, text) => one + (text.endsWith(unit) ? parseFloat(text) : 0), 0);
      const free = up.size("width") - gap * (tracks.length - 1) - total("px");
      const widths = tracks.map((text) => text.endsWith("fr") ? free * parseFloat(text) / total("fr") : parseFloat(text));
      const column = this.get("grid-column") - 1;
      found.width = widths[column];
      found.left = widths.slice(0, column).reduce((one, other) => one + other, 0) + gap * column;
    } else if (this.get("float")) {
      for (const kid of all.slice(0, at + 1)) {
        const width = kid.size("width");
        if (found.left + width > up.size("width")) {
          found.left = 0;
          found.top += this.size("height");
        }
        if (kid !== this) {
          found.left += width;
        }
      }
    } else if (at === 1) {
      const margins = [all[0].px("margin-bottom"), this.px("margin-top")];
      found.top = all[0].size("height") + parseFloat(all[0].get("padding-top", "0")) * up.size("width") / 100
        + Math.max(0, ...margins) + Math.min(0, ...margins);
    } else if (up.get("direction")) {
      const free = up.size("width") - found.width;
      const start = this.px("margin-inline-start");
      found.left = this.get("margin-left") === "auto" ? free / 2 : up.get("direction") === "rtl" ? free - start : start;
    }
    return found;
  }
}

for (const name of ["scrollLeft", "scrollTop"]) {
  const side = name === "scrollLeft" ? "width" : "height";
  Object.defineProperty(Box.prototype, name, {
    set(value) { this.scrolled[name] = Math.min(value, this.kids[0].size(side) - this.size(side)); },
    get() { return this.scrolled[name]; },
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { program, words } = JSON.parse(line);
  const state = Int32Array.from(words);
  const [number, seen] = Function(`return ${program}`)()(state, new Box(null));
  process.stdout.write(JSON.stringify([number, seen, [...state]]) + "\n");
});
