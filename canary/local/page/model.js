// One view from whichever document there is: run.json of an embedded region, or dashboard.json.

/** The view of an embedded region's live document. */
export function fromRun(run) {
  return {
    ...run,
    title: run.scenario,
    clock: `${run.virtual_minutes.toFixed(1)} virtual minutes, clock ×${run.clock_factor}`,
  };
}

/** The view of a real region's document, written by the analysis function every few minutes. */
export function fromDashboard(dashboard) {
  return dashboard;
}
