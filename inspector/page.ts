/**
 * The page that a link opens. It holds the Stately Inspector in a frame and hands it what the relay sends, by
 * `postMessage`, as the page of `@statelyai/inspect/server` does. Only that frame needs the internet, and says so.
 */

import { moneyPanel } from './money.ts';
import { overview } from './overview.ts';
import type { RelatedRuns } from './related.ts';

/** What a page is made of. */
export interface InspectorPage {
  readonly runId: string;
  /** Runs that belong to it. */
  readonly related: readonly RelatedRuns[];
  /** Path and query of the page of a run; without an id of the list of runs. */
  pageOf(runId?: string): string;
  /** Address of the inspector's user interface. */
  readonly url: URL;
  /** Of the server, as the browser calls it: `http://127.0.0.1:3000`. */
  readonly origin: string;
  /** Path and query of the relay, on the host that served the page. */
  readonly relay: string;
  /** Lets this page's own script and style run, and no other. */
  readonly nonce: string;
}

/** A run in the list of runs. */
export interface ListedRun {
  readonly runId: string;
  readonly name: string;
  readonly status: string;
  readonly createdAt: number;
  readonly href: string;
}

/** The page of one run, as HTML. */
export function inspectorPage({ runId, related, pageOf, url, origin, relay, nonce }: InspectorPage): string {
  return document(
    `Run ${runId}`,
    nonce,
    `<nav><p><a href="${escapeHtml(pageOf())}">Runs</a> / <code>${escapeHtml(runId)}</code></p>
${related.map((runs) => relatedLine(runs, pageOf)).join('\n')}</nav>
<section id="overview"></section>
<p id="state">Waiting for the viewer at ${escapeHtml(url.origin)}…</p>
<div id="offline">
<p>The viewer comes from the internet. What it shows does not: the run goes from this server to this page, and from the page into the viewer, without what looks secret. If nothing appears below, this browser cannot reach ${escapeHtml(url.origin)}.</p>
<p>Offline, <code>npx fermata watch ${escapeHtml(runId)} --server ${escapeHtml(origin)}</code> tells the same run, <a href="/api/v1/runs/${escapeHtml(encodeURIComponent(runId))}/journal">its journal</a> has every event, and <code>npx fermata serve --stately-url URL</code> takes a viewer of your own.</p>
</div>
<iframe id="inspector" title="Stately Inspector"></iframe>
<script nonce="${nonce}">
(${overview.toString()})(${scriptText(runId)}, ${moneyPanel.toString()});
const frame = document.getElementById('inspector');
const state = document.getElementById('state');
const offline = document.getElementById('offline');
const inspector = new URL(${scriptText(url.href)});
let socket;
// The inspector says that it is there whenever it loads; the relay then tells the run from its beginning.
addEventListener('message', (event) => {
  if (event.source !== frame.contentWindow || event.data?.type !== '@statelyai.connected') return;
  offline.hidden = true;
  if (socket) { socket.onclose = null; socket.close(); }
  const relay = new URL(${scriptText(relay)}, location.href);
  relay.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  socket = new WebSocket(relay);
  socket.onmessage = ({ data }) => frame.contentWindow.postMessage(JSON.parse(data), inspector.origin);
  socket.onopen = () => { state.hidden = true; };
  socket.onclose = ({ reason }) => { state.hidden = false; state.textContent = reason || 'The server has gone. Start it again and open the link it prints.'; };
});
frame.src = inspector.href;
</script>`,
  );
}

const GONE = 'deleted';

/** `Begun by: 0198… phase failed`. One that was deleted has no page. */
function relatedLine({ what, runs }: RelatedRuns, pageOf: InspectorPage['pageOf']): string {
  const links = runs.map(({ runId, task, status = GONE }) => {
    const id = `<code>${escapeHtml(runId)}</code>`;
    const link = status === GONE ? id : `<a href="${escapeHtml(pageOf(runId))}">${id}</a>`;
    const about = task === undefined ? '' : ` (task ${escapeHtml(task)})`;
    return `${link}${about} <span class="${escapeHtml(status)}">${escapeHtml(status)}</span>`;
  });
  return `<p>${escapeHtml(what)}: ${links.join(', ')}</p>`;
}

/** A page that lists runs, as HTML. */
export function runsPage(runs: readonly ListedRun[], nonce: string): string {
  const rows = runs.map(
    ({ runId, name, status, createdAt, href }) =>
      `<tr><td><a href="${escapeHtml(href)}"><code>${escapeHtml(runId)}</code></a></td><td>${escapeHtml(name)}</td><td><span class="${escapeHtml(status)}">${escapeHtml(status)}</span></td><td><time>${new Date(createdAt).toISOString().slice(0, 19).replace('T', ' ')} UTC</time></td></tr>`,
  );
  const heading =
    '<h1>Runs</h1>\n<p>Open one to see its statechart, its actors and its events, live or as it went.</p>\n';
  const body =
    rows.length === 0
      ? `${heading}<p>There is no run yet. Start one and load this page again.</p>`
      : `${heading}<table><thead><tr><th>Run</th><th>Machine</th><th>Status</th><th>Begun</th></tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table>`;
  return document('Runs', nonce, body);
}

function document(title: string, nonce: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)} · Fermata</title>
<style nonce="${nonce}">
:root { color-scheme: light dark; }
html, body { height: 100%; margin: 0; font: 15px/1.5 system-ui, sans-serif; }
body { display: flex; flex-direction: column; }
iframe { flex: 1; border: 0; min-height: 12rem; }
#overview { max-height: 60vh; flex-shrink: 0; overflow: auto; padding-bottom: 0.5rem; }
#overview td { vertical-align: top; overflow-wrap: anywhere; }
#overview td:first-child { min-width: 12rem; }
#overview span { white-space: nowrap; }
#overview .cost { cursor: help; text-decoration: underline dotted #8888; text-underline-offset: 0.2rem; white-space: nowrap; }
#overview .small { font-size: 0.85rem; font-variant-numeric: tabular-nums; }
.bar { position: relative; display: flex; box-sizing: border-box; width: calc(100% - 3rem); max-width: 65rem; height: 0.75rem; margin: 0.25rem auto; border-radius: 0.375rem; overflow: hidden; background: #8883; }
.bar i { height: 100%; }
.bar .settled { background: #16a34a; }
.bar.warned .settled { background: #d97706; }
.bar .reserved { background: repeating-linear-gradient(135deg, #3b82f6cc 0 0.35rem, #3b82f666 0.35rem 0.7rem); }
.bar b { position: absolute; top: 0; bottom: 0; width: 2px; background: currentColor; opacity: 0.7; }
h1, p, table { box-sizing: border-box; width: 100%; max-width: 68rem; margin: 0 auto; padding: 0 1.5rem; text-align: left; }
h1 { padding-top: 1.5rem; font-size: 1.5rem; font-weight: 600; }
p { padding-block: 0.5rem; opacity: 0.75; }
nav { padding-top: 0.5rem; }
nav p { padding-block: 0.15rem; }
table { border-collapse: collapse; margin-top: 1rem; padding: 0; }
th { font-size: 0.8rem; font-weight: 600; opacity: 0.6; }
th, td { padding: 0.5rem 1.5rem; border-bottom: 1px solid #8884; }
tbody tr:hover { background: #8881; }
time { font-variant-numeric: tabular-nums; }
span { padding: 0.1rem 0.6rem; border-radius: 1rem; background: #8883; font-size: 0.85rem; }
.running { background: #3b82f640; }
.waiting, .paused { background: #f59e0b40; }
.completed { background: #22c55e40; }
.failed { background: #ef444440; }
[hidden] { display: none; }
</style>
</head>
<body>
${body}
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

/** A text as a JavaScript literal that cannot end the script it stands in. */
function scriptText(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c');
}
