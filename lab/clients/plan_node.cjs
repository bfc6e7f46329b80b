// Runs a plan with one HTTP library of Node: `node plan_node.cjs LIBRARY PLAN`, with NODE_PATH pointing at the packages.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
const [, , library, file] = process.argv;
const plan = JSON.parse(require('node:fs').readFileSync(file, 'utf8'));
const native = require(plan.base.startsWith('https') ? 'node:https' : 'node:http');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
// import() knows nothing of NODE_PATH.
const load = async (name) => {
  const folder = join(process.env.NODE_PATH, name);
  const described = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  let entry = described.exports?.['.'] ?? described.exports ?? described.main;
  while (typeof entry === 'object') entry = entry.import ?? entry.default;
  return import('file://' + join(folder, entry));
};
const encoded = (step) => {
  if (step.form) return [new URLSearchParams(step.form).toString(), { 'Content-Type': 'application/x-www-form-urlencoded' }];
  if (step.json) return [JSON.stringify(step.json), { 'Content-Type': 'application/json' }];
  return [undefined, {}];
};
const fetchLike = (f, dispatcher) => async (step) => {
  const [body, headers] = encoded(step);
  const answer = await f(plan.base + step.path, { method: step.method, body, headers: { ...headers, ...step.headers }, ...(dispatcher ? { dispatcher } : {}) });
  await answer.text();
};
const uses = {
  http: async () => {
    const agent = new native.Agent({ keepAlive: !plan.fresh, maxSockets: 1 });
    return (step) => new Promise((done) => {
      const [body, headers] = encoded(step);
      const length = body ? { 'Content-Length': Buffer.byteLength(body) } : {};
      const request = native.request(plan.base + step.path, { agent, method: step.method, headers: { ...headers, ...length, ...step.headers } }, (r) => { r.resume(); r.on('end', done); });
      request.on('error', done); request.end(body);
    });
  },
  fetch: async () => fetchLike(fetch),
  undici: async () => {
    const { fetch: f, Agent } = require('undici');
    return fetchLike(f, new Agent({ connect: { rejectUnauthorized: false }, allowH2: true }));
  },
  'node-fetch': async () => fetchLike((await load('node-fetch')).default),
  axios: async () => {
    const axios = require('axios');
    return (step) => { const [data, headers] = encoded(step); return axios.request({ url: plan.base + step.path, method: step.method, data, headers: { ...headers, ...step.headers }, validateStatus: () => true }); };
  },
  got: async () => {
    const got = (await load('got')).default;
    return (step) => { const [body, headers] = encoded(step); return got(plan.base + step.path, { method: step.method, ...(body ? { body } : {}), headers: { ...headers, ...step.headers }, throwHttpErrors: false, retry: { limit: 0 } }); };
  },
  superagent: async () => {
    const agent = require('superagent').agent();
    return (step) => { const [body, headers] = encoded(step); return agent[step.method.toLowerCase()](plan.base + step.path).set({ ...headers, ...step.headers }).send(body).ok(() => true); };
  },
  needle: async () => {
    const needle = require('needle');
    return (step) => { const [body, headers] = encoded(step); return needle(step.method.toLowerCase(), plan.base + step.path, body || null, { headers: { ...headers, ...step.headers } }); };
  },
  ky: async () => {
    const ky = (await load('ky')).default;
    return (step) => { const [body, headers] = encoded(step); return ky(plan.base + step.path, { method: step.method, body, headers: { ...headers, ...step.headers }, throwHttpErrors: false, retry: 0 }).text(); };
  },
  'got-scraping': async () => {
    const { gotScraping } = await load('got-scraping');
    return (step) => { const [body, headers] = encoded(step); return gotScraping({ url: plan.base + step.path, method: step.method, ...(body ? { body } : {}), headers: { ...headers, ...step.headers }, throwHttpErrors: false, retry: { limit: 0 } }); };
  },
};
(async () => {
  const run = await uses[library]();
  for (const step of plan.steps) { try { await run(step); } catch (e) { if (process.env.LAB_VERBOSE) console.error(String(e)); } }
})().catch((e) => console.error(String(e))).finally(() => process.exit(0));
