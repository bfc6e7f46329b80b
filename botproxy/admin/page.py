"""The small page at `/` that says where things are."""

from typing import Final

INDEX: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>botproxy</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
code { background: #8882; padding: .1em .3em; border-radius: .2em; }
dt { margin-top: 1em; } dd { margin-left: 1.5em; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8bf; } }
</style>
<h1>botproxy</h1>
<p>This is the listener for operators. Visitors never reach it.</p>
<dl>
<dt><a href="/healthz">/healthz</a></dt><dd>Whether the proxy works, and with how many workers.</dd>
<dt><a href="/metrics">/metrics</a></dt><dd>Numbers for Prometheus.</dd>
<dt><a href="/api/mode">/api/mode</a></dt>
<dd>Which sites only observe. <code>botproxy mode enforce</code> switches,
<code>botproxy mode observe --zone NAME</code> switches one site.</dd>
<dt><code>POST /api/reload</code></dt><dd>Load the configuration anew; SIGHUP does the same.</dd>
</dl>
<p>Requests are recorded one a line in <code>events.jsonl</code> in the data directory.</p>
</html>
"""
