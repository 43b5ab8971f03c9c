// The page's sections as HTML text, each from the view that model.js makes. Pure functions, no DOM.

import { lineChart } from "./charts.js";
import { count, escape, known, percent, span } from "./format.js";
import { OUTCOMES, PHASES, STAGES } from "./phases.js";

const CONTROL = { name: "control", style: "control" };
const CANARY = { name: "canary", style: "canary" };
const STATES = { ALARM: "▲ ALARM", OK: "✓ OK", INSUFFICIENT_DATA: "· no data" };
const COMPOSITES = ["canary-critical", "canary-warning"];

/** The title line: what is released, and how fresh the page is. */
export function head(view) {
  const clock = view.clock ? `<p class="clock">${escape(view.clock)}</p>` : "";
  const about = view.description ? `<p class="about">${escape(view.description)}</p>` : "";
  return `<div><h1><span class="brand">canary</span> ${escape(view.title)}</h1>${about}</div>${clock}`;
}

/** What a person must know before reading on: nothing yet, connection lost, or nothing at all. */
export function notice({ state, since }) {
  if (state === "loading") return `<p class="notice">Loading&hellip;</p>`;
  if (state === "empty") {
    return `<p class="notice"><b>No data yet.</b> Nothing has been released here, or the region is still starting. The page looks again each second.</p>`;
  }
  if (state === "lost") {
    return `<p class="notice notice-lost"><b>Connection lost</b> at ${escape(since)}. What is below is the last known state; the run may have ended. Trying again.</p>`;
  }
  return "";
}

/** The phase with its sentence, or the outcome once the run is over, and the ladder of stages. */
export function phase(view) {
  const over = view.finished && view.outcome;
  const word = over ? view.outcome : view.phase;
  const tone = OUTCOMES[word]?.tone ?? "live";
  const sentence = OUTCOMES[word]?.sentence ?? PHASES[word] ?? "";
  const hold = view.hold ? `<p class="hold"><b>Held:</b> ${escape(view.hold)}</p>` : "";
  return `<div class="phase tone-${tone}"><p class="word">${escape(word.replaceAll("_", " "))}</p>`
    + `<p>${escape(sentence)}</p>${hold}${expected(view, over)}</div>${ladder(view, tone)}`;
}

function expected(view, over) {
  if (!view.expected) return "";
  if (!over) return `<p class="expected">Expected in the end: ${escape(view.expected)}</p>`;
  const met = view.outcome === view.expected;
  return `<p class="expected">${met ? "✓ As expected" : `✗ Expected ${escape(view.expected)}`}</p>`;
}

function ladder(view, tone) {
  const stages = [...new Set([...(view.stages ?? STAGES), view.stage_percent])].sort((one, other) => one - other);
  const steps = stages.map((stage) => {
    const here = stage === view.stage_percent;
    const state = here ? `here tone-${tone}` : stage < view.stage_percent ? "done" : "ahead";
    return `<li class="${state}"${here ? ' aria-current="step"' : ""}>${stage}%</li>`;
  });
  return `<ol class="ladder" aria-label="Stages">${steps.join("")}</ol>`;
}

/** Asked against observed share, the canary against control, and what customers felt. */
export function figures(view) {
  const { control = {}, canary = {} } = view.arms ?? {};
  const customers = view.customers;
  const tiles = [
    tile("Share asked", percent(view.asked_share), "of new conversations, all intents together"),
    tile("Share observed", percent(view.observed_share), "of the arms drawn at this stage"),
    tile("Error rate, canary", percent(canary.error_rate), `control ${percent(control.error_rate)}`),
    tile("Slow rate, canary", percent(canary.slow_rate), `control ${percent(control.slow_rate)}`),
  ];
  if (customers) {
    tiles.push(tile("Errors customers saw", count(customers.errors),
      `in ${count(customers.turns)} turns of ${count(customers.conversations)} conversations`, customers.errors > 0));
  }
  return tiles.join("");
}

function tile(name, value, note, bad = false) {
  return `<div class="tile${bad ? " bad" : ""}"><p class="name">${escape(name)}</p><p class="value">${value}</p><p class="note">${escape(note)}</p></div>`;
}

/** The three charts: errors, slow requests, shares; decisions stand in them as marks. */
export function charts(view, { width, at = null }) {
  const shared = { points: view.series ?? [], at, width };
  const marks = (view.decisions ?? [])
    .filter((line) => line.kind !== "EXTEND")
    .map((line) => ({ minute: line.minute, text: line.kind.toLowerCase() }));
  const arms = (suffix) => [{ ...CONTROL, key: `control_${suffix}` }, { ...CANARY, key: `canary_${suffix}` }];
  return [
    lineChart({ ...shared, marks, id: "errors", title: "Error rate", lines: arms("error") }),
    lineChart({ ...shared, marks, id: "slow", title: "Slow requests", lines: arms("slow") }),
    lineChart({
      ...shared, marks, id: "share", title: "Canary's share of new conversations", floor: 0.1,
      lines: [{ key: "asked", name: "asked", style: "asked" }, { key: "observed", name: "observed", style: "canary" }],
    }),
  ].join("");
}

/** Alarms that ask for attention: the composites always, then whatever is not OK. */
export function alarms(view) {
  const shown = ranked(view).filter((alarm) => COMPOSITES.includes(alarm.name) || alarm.state === "ALARM");
  return shown.length ? alarmTable(shown) : `<p class="empty">No alarm has been evaluated yet</p>`;
}

/** All the others: OK or without data. */
export function quietAlarms(view) {
  const quiet = ranked(view).filter((alarm) => !COMPOSITES.includes(alarm.name) && alarm.state !== "ALARM");
  return { count: quiet.length, html: quiet.length ? alarmTable(quiet) : "" };
}

function ranked(view) {
  const rank = (alarm) => {
    const composite = COMPOSITES.indexOf(alarm.name);
    if (composite >= 0) return composite;
    return { ALARM: 2, INSUFFICIENT_DATA: 3, OK: 4 }[alarm.state] ?? 5;
  };
  return [...(view.alarms ?? [])].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
}

function alarmTable(rows) {
  const body = rows.map((alarm) => {
    const reason = alarm.reason && alarm.state !== "OK" ? `<div class="reason">${escape(short(alarm.reason))}</div>` : "";
    return `<tr class="state-${escape(alarm.state)}"><th scope="row">${escape(alarm.name)}${reason}</th>`
      + `<td class="state">${escape(STATES[alarm.state] ?? alarm.state)}</td><td class="number">${known(alarm.since_minute) ? span(alarm.since_minute) : "–"}</td></tr>`;
  });
  return `<table><thead><tr><th scope="col">Alarm</th><th scope="col">State</th><th scope="col" class="number">Changed at</th></tr></thead><tbody>${body.join("")}</tbody></table>`;
}

/** CloudWatch names alarms by ARN; here all are of one account and region. */
function short(reason) {
  return reason.replaceAll(/arn:aws[\w-]*:cloudwatch:[\w-]*:\d*:alarm:/g, "");
}

/** Decisions, the latest first, each with its reason; looks that said the same stand once. */
export function decisions(view) {
  const said = [];
  for (const line of view.decisions ?? []) {
    const last = said.at(-1);
    if (last && last.kind === line.kind && last.reason === line.reason) {
      last.looks += 1;
      last.minute = line.minute;
    } else {
      said.push({ ...line, since: line.minute, looks: 1 });
    }
  }
  return events(said, "No look has been taken yet", (line) => {
    const before = line.looks > 1 ? ` <span class="repeats">${line.looks} looks since ${span(line.since)}</span>` : "";
    return `<b class="kind kind-${escape(line.kind)}">${escape(line.kind)}</b> ${escape(line.reason)}${before}`;
  });
}

/** What happened, the latest first. */
export function timeline(view) {
  return events(view.timeline, "Nothing has happened yet", (line) => escape(line.text));
}

function events(lines, none, text) {
  if (!lines?.length) return `<p class="empty">${none}</p>`;
  const items = [...lines].reverse().map((line) => `<li><span class="when">${span(line.minute)}</span><span>${text(line)}</span></li>`);
  return `<ol class="events">${items.join("")}</ol>`;
}

/** Each arm's attempts so far and its rates of the last minute. */
export function arms(view) {
  const rows = [CONTROL, CANARY].map(({ name, style }) => {
    const arm = view.arms?.[name] ?? {};
    return `<tr><th scope="row"><svg width="26" height="10" aria-hidden="true"><path class="line ${style}" d="M2 5H24"/></svg> ${name}</th>`
      + `<td class="number">${count(arm.requests)}</td><td class="number">${count(arm.errors)}</td>`
      + `<td class="number">${percent(arm.error_rate)}</td><td class="number">${percent(arm.slow_rate)}</td></tr>`;
  });
  return `<table><thead><tr><th scope="col">Arm</th><th scope="col" class="number">Attempts</th><th scope="col" class="number">Errors</th>`
    + `<th scope="col" class="number">Error rate</th><th scope="col" class="number">Slow</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** What the scenario's pace changed in the policy; empty in a real region. */
export function pace(view) {
  const changes = view.policy_changes ?? [];
  const items = changes.map((change) => `<li>${escape(change)}</li>`).join("");
  return { count: changes.length, html: items ? `<ul class="plain">${items}</ul>` : "" };
}
