// One view from whichever document there is: run.json of an embedded region, or dashboard.json.
// docs/reference/contracts.md says what they hold.

/** The view of an embedded region's live document. */
export function fromRun(run) {
  return {
    ...run,
    title: run.scenario,
    clock: `${run.virtual_minutes.toFixed(1)} virtual minutes, clock ×${run.clock_factor}`,
  };
}

/** The view of a real region's document; null when nothing has been released there. */
export function fromDashboard(dashboard) {
  if (!dashboard.release_id) return null;
  const minute = (at) => (at - dashboard.admitted_at) / 60;
  const placed = (lines) => (lines ?? []).map((line) => ({ ...line, minute: minute(line.at) }));
  return {
    ...dashboard,
    title: dashboard.release_id,
    description: `${dashboard.candidate} against ${dashboard.control} in ${dashboard.region}`,
    clock: `as of ${new Date(dashboard.updated_at * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`,
    finished: Boolean(dashboard.outcome),
    series: placed(dashboard.series),
    decisions: placed(dashboard.decisions),
    timeline: placed(dashboard.timeline),
    alarms: (dashboard.alarms ?? []).map((alarm) => ({ ...alarm, since_minute: minute(alarm.since) })),
  };
}
