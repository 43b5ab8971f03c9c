// Keeps the page as its feed is: reads each second, and puts the sections where they belong.

import { Feed } from "./feed.js";
import * as render from "./render.js";

const NARROWEST = 240; // pixels of a chart
const PADDING = 34; // a chart's box around it, in pixels, border included
const feed = new Feed((name, options) => fetch(name, options));
const shown = new Map();
let pointer = null; // minute under the pointer, in every chart at once

async function follow() {
  const wait = await feed.poll(new Date().toLocaleTimeString());
  draw();
  setTimeout(follow, wait);
}

function draw() {
  const { view } = feed;
  put("notice", render.notice(feed));
  document.body.classList.toggle("lost", feed.state === "lost");
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
  fold("quiet", render.quietAlarms(view), "Other alarms, OK or without data");
  fold("pace", render.pace(view), "Changes of the policy by this scenario's pace");
}

function drawCharts() {
  const box = element("charts");
  const column = parseFloat(getComputedStyle(box).gridTemplateColumns) || 0; // the first one's width
  put("charts", render.charts(feed.view, { width: Math.max(NARROWEST, Math.floor(column) - PADDING), at: pointer }));
}

function fold(name, { count, html }, words) {
  element(`${name}-box`).hidden = count === 0;
  put(`${name}-summary`, `${words}: ${count}`);
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

function point(event) {
  const plot = event.target.closest?.("svg.plot");
  const before = pointer;
  pointer = null;
  if (plot) {
    const { left, right, first, last } = plot.dataset;
    const x = event.clientX - plot.getBoundingClientRect().left;
    const part = Math.min(1, Math.max(0, (x - left) / (right - left)));
    pointer = Number(first) + part * (last - first);
  }
  if (feed.view && pointer !== before) drawCharts();
}

document.addEventListener("pointermove", point);
document.addEventListener("pointerleave", point);
new ResizeObserver(() => feed.view && drawCharts()).observe(element("charts"));
follow();
