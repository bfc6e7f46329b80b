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
  const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  while (process.env.PRESS) { // the button of a challenge, as a hand would, whenever there is one
    await rest(500);
    try {
      const place = await page.evaluate(() => {
        const button = document.getElementById("human");
        if (!button || button.hidden || button.disabled || !button.offsetWidth) {
          return null;
        }
        const box = button.getBoundingClientRect();
        return [box.x + box.width * 0.4, box.y + box.height * 0.6];
      });
      if (place) {
        await page.mouse.move(...place, { steps: 12 });
        await rest(120);
        await page.mouse.down();
        await rest(90);
        await page.mouse.up();
      }
    } catch (problem) {
      console.error(problem.message);
    }
  }
})();
