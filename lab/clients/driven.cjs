// Chromium under Puppeteer: `node driven.cjs puppeteer|puppeteer-stealth:headless|headed PLAN`.
const [, , asked, file] = process.argv;
const [tool, how] = asked.split(':');
const plan = JSON.parse(require('node:fs').readFileSync(file, 'utf8'));
const buttons = { '/login': '#enter', '/guestbook': '#sign', '/cart': '#buy', '/checkout': '#pay' };
(async () => {
  let puppeteer = require('puppeteer-core');
  if (tool === 'puppeteer-stealth') {
    const { addExtra } = require('puppeteer-extra');
    puppeteer = addExtra(puppeteer);
    puppeteer.use(require('puppeteer-extra-plugin-stealth')());
  }
  const browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium', headless: how === 'headless' ? (plan.new ? true : 'shell') : false, acceptInsecureCerts: true,
    args: ['--no-sandbox', '--disable-gpu', '--ignore-certificate-errors', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(8000);
  if (plan.agent) await page.setUserAgent(plan.agent);
  for (const step of plan.steps) {
    try {
      if (step.method === 'GET') { await page.goto(plan.base + step.path); continue; }
      if (!step.form || !buttons[step.path]) continue;
      if (['/login', '/guestbook'].includes(step.path) && !page.url().endsWith(step.path)) await page.goto(plan.base + step.path);
      for (const [name, value] of Object.entries(step.form)) { const box = await page.$('#' + name); if (box) await box.type(value); }
      await Promise.all([page.waitForNavigation(), page.click(buttons[step.path])]);
    } catch (e) { if (process.env.LAB_VERBOSE) console.error(String(e)); }
  }
  await browser.close();
})().catch((e) => { console.error(String(e)); process.exit(1); });
