// The detections' own script in jsdom, a browser without layout: `node jsdom.cjs URL`.
const { JSDOM, VirtualConsole } = require("jsdom");
JSDOM.fromURL(process.argv[2], {
  runScripts: "dangerously", resources: "usable", pretendToBeVisual: true, virtualConsole: new VirtualConsole(),
  userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
  beforeParse(window) {
    // As a bot writer would fill in what jsdom lacks.
    window.fetch = (url, options) => fetch(new URL(url, process.argv[2]), options);
    window.CSS = { supports: () => true };
    window.matchMedia = () => ({ matches: false });
    window.Element.prototype.animate = () => ({ pause() {} });
    window.Worker = class { postMessage() {} terminate() {} };
  },
})
  .then(() => setTimeout(() => process.exit(0), 20000));
