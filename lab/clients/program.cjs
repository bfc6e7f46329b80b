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
    this.ownerDocument = { createElement: () => new Box(null), createElementNS: () => new Box(null) };
    this.scrolled = {};
  }
  appendChild(box) { box.up = this; this.kids.push(box); return box; }
  remove() {}
  toggleAttribute(name, on) { this.marks[name] = on; }
  setAttribute(name, value) { this.styles[name] = "" + value; }
  getTotalLength() {
    const all = this.styles.d.match(/[\d.]+/g).map(Number);
    const at = (t, i) => (1 - t) ** 3 * all[i] + 3 * t * (1 - t) ** 2 * all[i + 2] + 3 * t * t * (1 - t) * all[i + 4] + t ** 3 * all[i + 6];
    let sum = 0;
    for (let i = 0; i < 99; i++) {
      sum += Math.hypot(at((i + 1) / 99, 0) - at(i / 99, 0), at((i + 1) / 99, 1) - at(i / 99, 1));
    }
    return sum;
  }
  animate([from, to], { duration, delay, direction, easing }) {
    const box = this;
    return {
      pause() {},
      cancel() {},
      set currentTime(now) {
        const time = Math.max(now - delay, 0);
        const round = Math.floor(time / duration);
        let part = time / duration - round;
        if (direction === "reverse" || (direction === "alternate" && round % 2) || (direction === "alternate-reverse" && !(round % 2))) {
          part = 1 - part;
        }
        const steps = parseFloat(easing.slice(6));
        part = steps ? Math.floor(part * steps + 1e-9) / steps : part;
        box.styles.width = parseFloat(from.width) + (parseFloat(to.width) - parseFloat(from.width)) * part + "px";
      },
    };
  }
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
    if (up.get("perspective")) {
      const angle = parseFloat(/-?([\d.]+)deg/.exec(this.get("transform"))[1]) * Math.PI / 180;
      const upright = this.get("transform").startsWith("rotateX");
      const [side, place] = upright ? ["height", "top"] : ["width", "left"];
      const [size, depth] = [this.size(side), up.px("perspective")];
      const ends = [-size / 2, size / 2].map((edge) =>
        (this.px(place) + size / 2 - 100 + edge * Math.cos(angle)) * depth / (depth + edge * Math.sin(angle)));
      found[side] = Math.max(...ends) - Math.min(...ends);
      found[place] = 100 + Math.min(...ends);
    } else if (up.get("viewBox")) {
      const [, , wide, high] = up.get("viewBox").split(" ").map(Number);
      const [, align, how] = /x(M\w\w)Y\w+ (\w+)/.exec(up.get("preserveAspectRatio"));
      const scales = [up.px("width") / wide, up.px("height") / high];
      const scale = how === "slice" ? Math.max(...scales) : Math.min(...scales);
      found.width = this.px("width") * scale;
      found.left = (up.px("width") - wide * scale) * ["Min", "Mid", "Max"].indexOf(align) / 2 + this.px("x") * scale;
    } else if (this.get("position") === "sticky") {
      const [section, holder] = [up, up.up];
      const before = holder.kids[0].size("height");
      const scrolled = holder.scrolled.scrollTop;
      const last = before + section.size("height") - found.height;
      found.top = Math.max(before + section.kids[0].size("height"), Math.min(this.px("top") + scrolled, last)) - scrolled;
    } else if (this.get("display") === "table-cell") {
      const whole = up.up.size("width");
      const own = all.map((kid) => ("width" in kid.styles ? length(kid.styles.width, whole) : null));
      const rest = (whole - own.reduce((one, other) => one + other, 0)) / own.filter((one) => one === null).length;
      const widths = own.map((one) => (one === null ? rest : one));
      found.width = widths[at];
      found.left = widths.slice(0, at).reduce((one, other) => one + other, 0);
    } else if (up.get("flex-wrap")) {
      const lines = [[]];
      const sum = (row) => row.reduce((one, kid) => one + kid.size("width"), 0);
      for (const kid of all) {
        const line = lines[lines.length - 1];
        if (line.length && sum(line) + kid.size("width") > up.size("width")) {
          lines.push([kid]);
        } else {
          line.push(kid);
        }
      }
      const number = lines.findIndex((line) => line.includes(this));
      const line = lines[number];
      const place = line.indexOf(this);
      const free = up.size("width") - sum(line);
      const [start, gap] = {
        "flex-end": [free, 0], center: [free / 2, 0], "space-between": [0, free / Math.max(line.length - 1, 1)],
        "space-around": [free / line.length / 2, free / line.length],
      }[up.get("justify-content")];
      found.top = number * this.size("height");
      found.left = start + sum(line.slice(0, place)) + gap * place;
    } else if (up.get("grid-auto-flow")) {
      const columns = parseFloat(up.get("grid-template-columns").slice(7));
      const taken = new Set();
      let row = 0;
      let column = 0;
      for (const kid of all.slice(0, at + 1)) {
        const [wide, high] = ["grid-column", "grid-row"].map((name) => parseFloat(kid.get(name).slice(5)));
        if (up.get("grid-auto-flow") === "row dense") {
          row = column = 0;
        }
        for (;; column++) {
          if (column + wide > columns) {
            row++;
            column = 0;
          }
          const cells = [];
          for (let i = 0; i < wide * high; i++) {
            cells.push([row + Math.floor(i / wide), column + i % wide].join());
          }
          if (!cells.some((cell) => taken.has(cell))) {
            cells.forEach((cell) => taken.add(cell));
            break;
          }
        }
      }
      found.left = column * 20;
      found.top = row * 16;
    } else if (up.get("display") === "flex") {
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
    set(value) { this.scrolled[name] = Math.min(value, this.kids.reduce((one, kid) => one + kid.size(side), 0) - this.size(side)); },
    get() { return this.scrolled[name]; },
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { program, words } = JSON.parse(line);
  const state = Int32Array.from(words);
  const [number, seen] = Function(`return ${program}`)()(state, new Box(null));
  process.stdout.write(JSON.stringify([number, seen, [...state]]) + "\n");
});
