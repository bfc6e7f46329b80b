// HTTP libraries of Node: `node node_clients.cjs LIBRARY BASE`, with NODE_PATH pointing at the packages.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
const [, , library, base] = process.argv;
const json = { a: 1 };
const native = base.startsWith('https') ? require('node:https') : require('node:http');
const send = (path, options = {}, body) => new Promise((done) => {
  const request = native.request(base + path, options, (r) => { r.resume(); r.on('end', done); });
  request.on('error', done); request.end(body);
});
const fetchLike = async (f, dispatcher) => {
  const common = dispatcher ? { dispatcher } : {};
  await f(base + '/page', common); await f(base + '/linked', common); await f(base + '/image.png', common);
  await f(base + '/form', { ...common, method: 'POST', body: new URLSearchParams(json) });
  await f(base + '/json', { ...common, method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  await f(base + '/head', { ...common, method: 'HEAD' });
  await f(base + '/api', { ...common, headers: { Accept: 'application/json' } });
};
const uses = {
  http: async () => {
    await send('/page'); await send('/linked'); await send('/head', { method: 'HEAD' });
    await send('/json', { method: 'POST', headers: { 'Content-Type': 'application/json' } }, '{}');
    await send('/agentless', { agent: false });
  },
  fetch: () => fetchLike(fetch),
  undici: async () => {
    const { request, Agent } = require('undici');
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    for (const path of ['/page', '/linked']) await (await request(base + path, { dispatcher })).body.dump();
    await (await request(base + '/json', { dispatcher, method: 'POST', body: '{}' })).body.dump();
  },
  'node-fetch': async () => fetchLike((await import('node-fetch')).default),
  axios: async () => {
    const axios = require('axios');
    await axios.get(base + '/page'); await axios.get(base + '/linked'); await axios.head(base + '/head');
    await axios.post(base + '/json', json); await axios.post(base + '/form', new URLSearchParams(json));
    await axios.get(base + '/api', { headers: { Accept: 'application/json' } }); await axios.delete(base + '/delete');
  },
  got: async () => {
    const got = require('got');
    await got(base + '/page'); await got.post(base + '/json', { json }); await got.post(base + '/form', { form: json });
    await got.head(base + '/head'); await got(base + '/api').text();
  },
  superagent: async () => {
    const superagent = require('superagent');
    await superagent.get(base + '/page'); await superagent.post(base + '/json').send(json);
    await superagent.post(base + '/form').type('form').send(json);
  },
  needle: async () => {
    const needle = require('needle');
    await needle('get', base + '/page'); await needle('post', base + '/form', json);
    await needle('post', base + '/json', json, { json: true });
  },
  request: async () => {
    const request = require('request');
    const ask = (options) => new Promise((done) => request(options, done));
    await ask(base + '/page'); await ask({ url: base + '/json', method: 'POST', json });
    await ask({ url: base + '/form', method: 'POST', form: json });
  },
  ky: async () => {
    const ky = (await import('ky')).default;
    await ky(base + '/page'); await ky.post(base + '/json', { json });
  },
  'got-scraping': async () => {
    const { gotScraping } = await import('got-scraping');
    for (let i = 0; i < 6; i += 1) await gotScraping({ url: base + '/page?' + i, http2: false });
    await gotScraping({ url: base + '/json', method: 'POST', json, http2: false });
  },
  ws: async () => {
    const WebSocket = require('ws');
    await new Promise((done) => {
      const socket = new WebSocket(base.replace('http', 'ws') + '/socket'); socket.on('close', done); socket.on('error', done);
    });
  },
};
uses[library]().catch(() => {}).finally(() => process.exit(0));
