// Plain node with a report of a real browser: opens it, closes it again for the page it is given, and posts that.
// `node copied.cjs URL REPORT SEED`, the report and the seed as the browser sent and had them.
const { createCipheriv, createHash } = require("node:crypto");
const [url, report, seed] = process.argv.slice(2);
const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const key = (purpose, of) => sha256(Buffer.from(purpose + "\0"), of);
const turn = (text, of) => createCipheriv("chacha20", key("report", of), Buffer.alloc(16)).update(text);
const text = turn(Buffer.from(report, "base64url").subarray(16), Buffer.from(seed, "base64url"));
(async () => {
  const page = await (await fetch(url, { headers: { "user-agent": AGENT } })).text();
  const fresh = Buffer.from(/collect\("([\w-]+)"\)/.exec(page)[1], "base64url");
  const closed = turn(text, fresh);
  const secret = key("code", fresh);
  const code = sha256(secret, sha256(secret, closed)).subarray(0, 16);
  const body = JSON.stringify({ report: Buffer.concat([code, closed]).toString("base64url"), botd: null });
  await fetch(new URL("/report", url), { method: "POST", headers: { "user-agent": AGENT }, body });
})();
