"""What the progression does about trouble, in one place for every state."""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs.steps import ERROR, RESULT, Steps

__all__ = ["Faults"]


class Faults:
    """The ends of a release that goes wrong, and the catchers that lead to them."""

    def __init__(self, scope: Construct, steps: Steps) -> None:
        self._scope = scope
        self._steps = steps
        self._revoked = sfn.Succeed(scope, "Ended elsewhere")
        self._over = sfn.Succeed(scope, "Rolled back")
        # The rule on failed executions calls the rollback function once more.
        self._failed = sfn.Fail(scope, "Left to the rule", error="RescueNeeded")
        error = f"{ERROR}.Cause"
        self._harm = self._end("harm", {"cause": "critical_alarm", "detail.$": error}, strike=True)
        self._machinery = self._end("machinery", {"cause": "machinery", "detail.$": error})
        decided = {"cause.$": f"{RESULT}.cause", "detail.$": f"{RESULT}.detail"}
        self.roll_back = self._end("decision", decided, strike=True)
        self.reject = self._end("test lost", decided, strike=True, reject=True)
        self.reject_brought = self._end(
            "offline scores", {"cause": "gate", "detail.$": "$.plan.detail"}, reject=True
        )
        self.reject_measured = self._end(
            "offline gate", {"cause": "gate", "detail.$": f"{RESULT}.detail"}, reject=True
        )

    def guard(self, task: tasks.LambdaInvoke, on_fault: sfn.IChainable) -> None:
        """The three catchers: harm, a release ended elsewhere, and failed machinery."""
        task.add_catch(self._harm, errors=["HarmDetected"], result_path=ERROR)
        task.add_catch(self._revoked, errors=["Revoked"], result_path=ERROR)
        task.add_catch(on_fault, errors=["States.ALL"], result_path=ERROR)

    def hold(self, label: str, back: sfn.Wait) -> tasks.LambdaInvoke:
        """Hold the release and come back to `back`; with an alarm raised, roll it back instead."""
        pause = self._steps.pause(f"{label}: hold after a fault", cause="machinery")
        pause.add_catch(self._machinery, errors=["States.ALL"], result_path=ERROR)
        pause.next(
            sfn.Choice(self._scope, f"{label}: alarms OK?")
            .when(sfn.Condition.boolean_equals(f"{RESULT}.alarms_ok", True), back)
            .otherwise(self._machinery)
        )
        return pause

    def hold_unapproved(self, back: sfn.Wait) -> tasks.LambdaInvoke:
        """Hold the release because nobody approved it."""
        pause = self._steps.pause("Approval: hold", cause="approval")
        pause.add_catch(self._machinery, errors=["States.ALL"], result_path=ERROR)
        pause.next(back)
        return pause

    def page(self) -> tasks.LambdaInvoke:
        """Past the point of no return: tell the person on call, and leave traffic where it is."""
        pause = self._steps.pause("Promote: page", cause="machinery")
        pause.add_catch(self._failed, errors=["States.ALL"], result_path=ERROR)
        pause.next(sfn.Succeed(self._scope, "A person finishes the promotion"))
        return pause

    def _end(
        self, name: str, why: dict[str, str], *, strike: bool = False, reject: bool = False
    ) -> tasks.LambdaInvoke:
        verb = "Reject" if reject else "Roll back"
        task = self._steps.roll_back(f"{verb}: {name}", why, strike=strike, reject=reject)
        task.add_catch(self._failed, errors=["States.ALL"], result_path=ERROR)
        task.next(self._over)
        return task
