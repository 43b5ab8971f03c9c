// Reads the document each second and puts the sections where they belong.

import { fromDashboard, fromRun } from "./model.js";
import * as render from "./render.js";

const EVERY_MS = 1000;
const TIMEOUT_MS = 4000;
const NARROWEST = 240; // pixels of a chart
const PADDING = 34; // a chart's box around it, in pixels, border included
const shown = new Map();
let view = null;
let lostAt = null;
let pointer = null; // minute under the pointer, in every chart at once

/** The document as JSON, or null when there is none; throws when nobody answers. */
async function read(name) {
  const answer = await fetch(name, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (answer.status === 403 || answer.status === 404) return null; // S3 answers 403 for what is not there
  if (!answer.ok) throw new Error(`${name}: status ${answer.status}`);
  return answer.json();
}

async function latest() {
  const run = await read("run.json");
  if (run) return fromRun(run);
  const dashboard = await read("dashboard.json");
  return dashboard && fromDashboard(dashboard);
}

async function poll() {
  try {
    view = (await latest()) ?? view;
    lostAt = null;
  } catch {
    lostAt ??= new Date().toLocaleTimeString();
  }
  draw();
  setTimeout(poll, EVERY_MS);
}

function draw() {
  const lost = lostAt !== null && !view?.finished;
  put("notice", render.notice({ state: lost ? "lost" : view ? "live" : "empty", since: lostAt }));
  document.body.classList.toggle("lost", lost);
  if (!view) return;
  element("body").hidden = false;
  document.title = `${view.outcome ?? view.phase} – canary ${view.title}`;
  put("head", render.head(view));
  put("phase", render.phase(view));
  put("figures", render.figures(view));
  drawCharts();
  put("alarms", render.alarms(view));
  put("decisions", render.decisions(view));
  put("timeline", render.timeline(view));
  put("arms", render.arms(view));
  fold("quiet", render.quietAlarms(view), "more alarms, OK or without data");
  fold("pace", render.pace(view), "changes of the policy by this scenario's pace");
}

function drawCharts() {
  const box = element("charts");
  const column = parseFloat(getComputedStyle(box).gridTemplateColumns) || 0; // the first one's width
  put("charts", render.charts(view, { width: Math.max(NARROWEST, Math.floor(column) - PADDING), at: pointer }));
}

function fold(name, { count, html }, words) {
  element(`${name}-box`).hidden = count === 0;
  put(`${name}-summary`, `${count} ${words}`);
  put(name, html);
}

/** Touch the document only where something changed, so that selections and open folds stay. */
function put(id, html) {
  if (shown.get(id) === html) return;
  shown.set(id, html);
  element(id).innerHTML = html;
}

function element(id) {
  return document.getElementById(id);
}

function follow(event) {
  const plot = event.target.closest?.("svg.plot");
  const before = pointer;
  pointer = null;
  if (plot) {
    const { left, right, first, last } = plot.dataset;
    const x = event.clientX - plot.getBoundingClientRect().left;
    const part = Math.min(1, Math.max(0, (x - left) / (right - left)));
    pointer = Number(first) + part * (last - first);
  }
  if (view && pointer !== before) drawCharts();
}

document.addEventListener("pointermove", follow);
document.addEventListener("pointerleave", follow);
new ResizeObserver(() => view && drawCharts()).observe(element("charts"));
poll();
