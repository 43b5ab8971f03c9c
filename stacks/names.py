"""The physical names of a region that more than one place must know."""

from __future__ import annotations

__all__ = [
    "API_FAMILY",
    "API_LOGS",
    "API_SERVICE",
    "CERTIFICATE",
    "CLUSTER",
    "CRITICAL_ALARM",
    "DELIVERY_LOGS",
    "DELIVERY_STREAM",
    "EVENTS_DATABASE",
    "EVENTS_TABLE",
    "EVENT_DAYS_TABLE",
    "GATEWAY_LOGS",
    "GATEWAY_SERVICE",
    "GATEWAY_STACK",
    "GUARDRAILS_STACK",
    "IMAGE_PIPELINE",
    "INTENT_ENDPOINT",
    "MACHINE",
    "NAMESPACE",
    "PREFIX",
    "PROMOTION",
    "QUALITY_ENDPOINT",
    "TRAFFIC_STACK",
    "WAF_LOGS",
    "WARNING_ALARM",
    "WORKGROUP",
]

API_LOGS = "/mangaassist/api"
API_SERVICE = "api"
API_FAMILY = "mangaassist-api"
"""The family of the API's task definitions; its service knows them by no other name."""
IMAGE_PIPELINE = "release-image"
WAF_LOGS = "aws-waf-logs-mangaassist-api"
"""WAF writes to log groups of this prefix only."""
GATEWAY_LOGS = "/mangaassist/gateway"
CERTIFICATE = "/mangaassist/api/certificate-arn"
"""The parameter that holds the ARN of the public certificate; whoever deploys writes it."""
CLUSTER = "mangaassist"
GATEWAY_SERVICE = "gateway"
INTENT_ENDPOINT = "mangaassist-intent"
"""The SageMaker endpoint that classifies intents; it is older than this product."""
QUALITY_ENDPOINT = "mangaassist-bertscore"
"""The SageMaker endpoint that scores answers for the bandits; whoever deploys brings it."""
MACHINE = "canary-release"
PROMOTION = "promotion"
"""The pipeline in which a person approves the last step."""
TRAFFIC_STACK = "mangaassist-traffic"
GATEWAY_STACK = "mangaassist-gateway"
GUARDRAILS_STACK = "mangaassist-guardrails"
"""The stacks with a deploy guard: no release starts while one of them changes."""
NAMESPACE = "MangaAssist/Canary"
PREFIX = "/mangaassist/canary"
"""Where the product's parameters are."""
CRITICAL_ALARM = "canary-critical"
WARNING_ALARM = "canary-warning"
EVENTS_DATABASE = "canary"
EVENTS_TABLE = "events"
EVENT_DAYS_TABLE = "event_days"
DELIVERY_STREAM = "canary-events"
DELIVERY_LOGS = "/mangaassist/event-delivery"
WORKGROUP = "canary"
