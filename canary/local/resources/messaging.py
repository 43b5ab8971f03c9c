"""SNS, SQS and EventBridge."""

from __future__ import annotations

import json

from canary.local.cloudformation import Made, Request, handles, native
from canary.local.shapes import to_request

native("AWS::SNS::Topic", "live", "delivers to functions and queues; e-mail is kept, not sent")
native("AWS::SQS::Queue", "live", "moto's queue, in real time")
native("AWS::Events::Rule", "live", "patterns match, schedules fire on the virtual clock")
native("AWS::Events::EventBus", "live", "moto's bus")


@handles(
    "AWS::SNS::Subscription",
    "live",
    "functions and queues receive; an e-mail address needs no confirmation and gets nothing",
)
def subscription(request: Request) -> Made:
    """A subscription to a topic."""
    client = request.parts.emulator.client("sns")
    ignore = ("RedrivePolicy", "FilterPolicy", "Region", "RawMessageDelivery")
    arguments = to_request(client, "subscribe", request.properties, ignore)
    arn = client.subscribe(ReturnSubscriptionArn=True, **arguments)["SubscriptionArn"]
    attributes = {
        "FilterPolicy": request.properties.get("FilterPolicy"),
        "RawMessageDelivery": request.properties.get("RawMessageDelivery"),
    }
    for name, value in attributes.items():
        if value is not None:
            client.set_subscription_attributes(
                SubscriptionArn=arn,
                AttributeName=name,
                AttributeValue=value if isinstance(value, str) else json.dumps(value),
            )
    return Made(arn, {"Arn": arn})


@handles("AWS::SNS::TopicPolicy", "stand-in", "recorded; policies are not enforced")
def topic_policy(request: Request) -> Made:
    """A topic's policy."""
    return Made(request.name, {"Id": request.name})


@handles("AWS::SQS::QueuePolicy", "stand-in", "recorded; policies are not enforced")
def queue_policy(request: Request) -> Made:
    """A queue's policy."""
    return Made(request.name, {"Id": request.name})
