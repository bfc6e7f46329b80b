// Puppeteer as its documentation starts it: `node automation.cjs TOOL URL PROFILE`. Stays until it is killed.
const [tool, url, profile] = process.argv.slice(2);
const headed = tool.endsWith("-headed");
const kind = headed ? tool.slice(0, -"-headed".length) : tool;
let puppeteer;
if (kind === "puppeteer-stealth") {
  const extra = require("puppeteer-extra");
  const maker = extra.addExtra(require("puppeteer-core"));
  maker.use(require("puppeteer-extra-plugin-stealth")());
  puppeteer = maker;
} else {
  puppeteer = require(kind === "rebrowser-puppeteer" ? "rebrowser-puppeteer-core" : "puppeteer-core");
}
(async () => {
  const browser = await puppeteer.launch({
    executablePath: "/usr/bin/chromium", headless: !headed, userDataDir: profile,
    args: ["--no-sandbox", ...(headed ? ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] : [])],
  });
  const page = await browser.newPage();
  await page.goto(url);
})();
