// Numbers and words as people read them. Pure functions.

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text made safe for HTML; everything that comes from a document passes through here. */
export function escape(text) {
  return String(text ?? "").replace(/[&<>"']/g, (sign) => ENTITIES[sign]);
}

/** A fraction as a percentage: two decimals below 10%, one above; a dash where there is none. */
export function percent(fraction) {
  if (!known(fraction)) return "–";
  const value = fraction * 100;
  return `${value.toFixed(Math.abs(value) < 10 ? 2 : 1)}%`;
}

/** A whole number with thousands separated, or a dash. */
export function count(value) {
  return known(value) ? Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",") : "–";
}

/** A stretch of time given in minutes, in the unit that suits it. */
export function span(minutes) {
  if (!known(minutes)) return "–";
  if (minutes < 180) return `${trim(minutes)} min`;
  if (minutes < 72 * 60) return `${trim(minutes / 60)} h`;
  return `${trim(minutes / 1440)} d`;
}

/** Whether a document's value is a number. */
export function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function trim(value) {
  return value.toFixed(1).replace(/\.0$/, "");
}
