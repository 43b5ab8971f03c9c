// The words of a release and a sentence for each.

/** The ramp in percent of new conversations, where a document does not bring its own. */
export const STAGES = [0, 5, 25, 50, 100];

/** Where a release stands. */
export const PHASES = {
  STARTING: "The region is being started; no release has been admitted yet.",
  ADMITTED: "The release holds the lock and its copy of the policy; no task and no traffic has been touched.",
  PREPARING: "The canary's tasks are being restarted on the candidate model; customers see nothing of it.",
  SHIFTING: "Traffic is being moved to the next stage.",
  BAKING: "Traffic stays at this stage while customers' conversations are counted; looks decide what follows.",
  HELD: "Traffic stays where it is until a person resumes it, or a fault shared by both arms has passed.",
  AWAITING_APPROVAL: "Everything was proved; a person is asked whether 50% becomes 100%.",
  PROMOTING: "Past the point of no return: customers are on the candidate while the old model's tasks change over.",
  PROMOTED: "The candidate is the control model now.",
  ROLLED_BACK: "Traffic went back to the old model.",
  REJECTED: "The candidate lost its test: traffic went back, and it is not tried again.",
};

/** How a run can end, in the colour it deserves. */
export const OUTCOMES = {
  PROMOTED: { tone: "good", sentence: PHASES.PROMOTED },
  ROLLED_BACK: { tone: "bad", sentence: PHASES.ROLLED_BACK },
  REJECTED: { tone: "bad", sentence: PHASES.REJECTED },
  HELD: { tone: "warning", sentence: PHASES.HELD },
};
