// Which document the page shows, and how the connection stands.

import { fromDashboard, fromRun } from "./model.js";

const LIVE_MS = 1000;
const ANALYSED_MS = 5000; // a region without run.json writes its dashboard every few minutes
const TIMEOUT_MS = 4000;

/**
 * The last view read, and `state`: loading, empty (nothing published yet), live, or lost since
 * `since`. An embedded region publishes run.json beside dashboard.json and is then preferred.
 */
export class Feed {
  view = null;
  state = "loading";
  since = null;

  constructor(fetch) {
    this.fetch = fetch;
  }

  /** Read once; answers after how many milliseconds to read again. */
  async poll(clock) {
    let wait = LIVE_MS;
    try {
      const run = await this.#read("run.json");
      const dashboard = run ? null : await this.#read("dashboard.json");
      if (run) this.view = fromRun(run);
      if (dashboard) this.view = fromDashboard(dashboard) ?? this.view;
      if (dashboard) wait = ANALYSED_MS;
      this.state = this.view ? "live" : "empty";
      this.since = null;
    } catch {
      if (this.view?.finished) return wait; // a finished run goes away: what it came to stays
      this.state = "lost";
      this.since ??= clock;
    }
    return wait;
  }

  /** The document, or null when there is none; throws when nobody answers. */
  async #read(name) {
    const answer = await this.fetch(name, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.status === 403 || answer.status === 404) return null; // S3 says 403 of what is not there
    if (!answer.ok) throw new Error(`${name}: status ${answer.status}`);
    return answer.json();
  }
}
