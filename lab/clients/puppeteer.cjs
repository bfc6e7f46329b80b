// Puppeteer, plain or with its stealth plug-in: `node puppeteer.cjs true|stealth BASE CHROMIUM-OPTIONS...`.
const [, , mode, base, ...args] = process.argv;
(async () => {
  let tool = require('puppeteer-core');
  if (mode === 'stealth') {
    const { addExtra } = require('puppeteer-extra');
    tool = addExtra(tool); tool.use(require('puppeteer-extra-plugin-stealth')());
  }
  const browser = await tool.launch({
    executablePath: '/usr/bin/chromium', headless: mode === 'headed' ? false : true, acceptInsecureCerts: true,
    ignoreHTTPSErrors: true, args,
  });
  const page = await browser.newPage();
  await page.goto(base + '/tour?hints');
  await page.waitForFunction("document.title == 'toured'", { timeout: 40000 }).catch(() => {});
  await page.goto(base + '/linked');
  await page.waitForFunction("document.title == 'linked-done'", { timeout: 5000 }).catch(() => {});
  await browser.close();
})().catch(() => process.exit(1));
