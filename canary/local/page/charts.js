// Line charts as SVG text: axes, units, gaps where there is no data. Pure functions, no DOM.

import { escape, known, percent } from "./format.js";

const MARGIN = { top: 20, right: 14, bottom: 34, left: 52 };
const LETTER = 7.5; // width of a small letter in pixels, to keep labels apart

/**
 * One chart: `lines` are {key, name, style}; `points` carry `minute` and a fraction or null for
 * each key; `marks` are {minute, text}; `at` is the minute under the pointer, or null for the last.
 * The top of the scale never falls below `floor`, so that noise does not look like a fire.
 */
export function lineChart({ id, title, lines, points, marks = [], at = null, width = 640, height = 230, floor = 0.01 }) {
  const present = points.filter((point) => lines.some((line) => known(point[line.key])));
  const shown = at === null ? present.at(-1) : nearest(points, at);
  const legend = lines.map((line) => key(line, shown)).join("");
  const head = `<figcaption><h2>${escape(title)}</h2><div class="legend">${legend}</div></figcaption>`;
  if (present.length === 0) {
    return `<figure class="chart">${head}<p class="empty">No data yet</p></figure>`;
  }
  const drawn = thinned(points, lines, Math.floor(width / 2));
  const frame = scales(drawn, lines, width, height, floor);
  const label = `${title}: ${lines.map((line) => `${line.name} ${percent(shown?.[line.key])}`).join(", ")}`;
  const svg = [
    `<svg class="plot" id="${id}" role="img" aria-label="${escape(label)}" width="${width}" height="${height}"`,
    ` viewBox="0 0 ${width} ${height}" data-left="${frame.left}" data-right="${frame.right}"`,
    ` data-first="${frame.first}" data-last="${frame.last}">`,
    grid(frame),
    marked(marks, frame),
    ...lines.map((line) => `<path class="line ${line.style}" d="${path(drawn, line.key, frame)}"/>`),
    at === null || !shown ? "" : cursor(shown, lines, frame),
    "</svg>",
  ].join("");
  return `<figure class="chart">${head}${svg}</figure>`;
}

/** Round steps from 0 to at least `top`, about `wanted` of them. */
export function ticks(top, wanted) {
  const rough = top / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  const many = Math.ceil(top / step - 1e-9);
  return Array.from({ length: many + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** At most `most` points: neighbours become their mean, so that days of minutes stay lines. */
export function thinned(points, lines, most) {
  const size = Math.ceil(points.length / most);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) => {
    const group = points.slice(index * size, (index + 1) * size);
    const middle = (name) => {
      const values = group.map((point) => point[name]).filter(known);
      return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
    };
    return Object.fromEntries(["minute", ...lines.map((line) => line.key)].map((name) => [name, middle(name)]));
  });
}

function scales(points, lines, width, height, floor) {
  const first = points[0].minute;
  const last = Math.max(points.at(-1).minute, first + 1);
  const values = points.flatMap((point) => lines.map((line) => point[line.key]).filter(known));
  const rows = ticks(Math.min(Math.max(floor, ...values), 1), 4);
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom];
  return {
    first, last, rows, left, right, top, bottom,
    x: (minute) => left + ((minute - first) / (last - first)) * (right - left),
    y: (value) => bottom - (value / rows.at(-1)) * (bottom - top),
  };
}

function grid(frame) {
  const step = frame.rows[1] * 100;
  const decimals = [0, 1, 2].find((each) => Math.abs(step - Number(step.toFixed(each))) < 1e-9) ?? 3;
  const rows = frame.rows.map((value) => {
    const y = fixed(frame.y(value));
    return `<path class="${value === 0 ? "axis" : "grid"}" d="M${frame.left} ${y}H${frame.right}"/>`
      + `<text class="tick" text-anchor="end" x="${frame.left - 8}" y="${y}" dy="0.32em">${(value * 100).toFixed(decimals)}%</text>`;
  });
  const [unit, size] = timeUnit(frame.last - frame.first);
  const wanted = Math.max(2, Math.min(8, Math.floor((frame.right - frame.left) / 80)));
  const columns = ticks((frame.last - frame.first) / size, wanted)
    .filter((value) => value * size <= frame.last - frame.first + 1e-9)
    .map((value) => {
      const x = fixed(frame.x(frame.first + value * size));
      return `<path class="axis" d="M${x} ${frame.bottom}v4"/>`
        + `<text class="tick" text-anchor="middle" x="${x}" y="${frame.bottom + 17}">${value}</text>`;
    });
  const name = `<text class="tick" text-anchor="end" x="${frame.right}" y="${frame.bottom + 31}">${unit}</text>`;
  return rows.join("") + columns.join("") + name;
}

function timeUnit(minutes) {
  if (minutes <= 180) return ["minutes since the start", 1];
  if (minutes <= 72 * 60) return ["hours since the start", 60];
  return ["days since the start", 1440];
}

function path(points, name, frame) {
  let pen = "M";
  let text = "";
  for (const point of points) {
    if (known(point[name])) {
      const [x, y] = [fixed(frame.x(point.minute)), fixed(frame.y(Math.min(point[name], frame.rows.at(-1))))];
      text += pen === "M" ? `M${x} ${y}h0` : `L${x} ${y}`; // h0: a lone point is a round dot
      pen = "L";
    } else {
      pen = "M";
    }
  }
  return text;
}

function marked(marks, frame) {
  let free = Infinity; // labels are placed from the latest back: where two collide, the latest stays
  return marks
    .filter((mark) => mark.minute >= frame.first && mark.minute <= frame.last)
    .sort((one, other) => other.minute - one.minute)
    .map((mark) => {
      const x = frame.x(mark.minute);
      const wide = mark.text.length * LETTER;
      const start = Math.min(x, frame.right - wide);
      const fits = start + wide + LETTER < free;
      if (fits) free = start;
      const text = fits ? `<text class="tick" x="${fixed(start)}" y="${frame.top - 7}">${escape(mark.text)}</text>` : "";
      return `<path class="mark" d="M${fixed(x)} ${frame.top - 4}V${frame.bottom}"/>${text}`;
    })
    .join("");
}

function cursor(point, lines, frame) {
  const x = fixed(frame.x(point.minute));
  const dots = lines
    .filter((line) => known(point[line.key]))
    .map((line) => `<circle class="dot ${line.style}" cx="${x}" cy="${fixed(frame.y(point[line.key]))}" r="4"/>`);
  return `<path class="cursor" d="M${x} ${frame.top}V${frame.bottom}"/>${dots.join("")}`;
}

function key(line, point) {
  return `<span class="key"><svg width="26" height="10" aria-hidden="true"><path class="line ${line.style}" d="M2 5H24"/></svg>`
    + `${escape(line.name)} <b>${percent(point?.[line.key])}</b></span>`;
}

function nearest(points, minute) {
  return points.reduce((best, point) =>
    Math.abs(point.minute - minute) < Math.abs(best.minute - minute) ? point : best);
}

function fixed(value) {
  return Number(value.toFixed(1));
}
