"""Load balancers: what the region's own load balancer reads."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles, native

native(
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "live",
    "its name resolves to a port of this machine; no TLS, no zones, no security groups; a network "
    "load balancer passes requests on to the listener of the one behind it",
)
native("AWS::ElasticLoadBalancingV2::Listener", "live", "plain HTTP, also where it says HTTPS")
native("AWS::ElasticLoadBalancingV2::ListenerRule", "live", "headers, paths, weighted forward")
native(
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "live",
    "targets are the tasks' processes, health is their /healthz",
)


@handles("AWS::ElasticLoadBalancingV2::ListenerCertificate", "not run", "no TLS on this machine")
def listener_certificate(request: Request) -> Made:
    """A certificate nobody presents."""
    return Made(request.name)


@handles("AWS::CertificateManager::Certificate", "not run", "no TLS on this machine")
def certificate(request: Request) -> Made:
    """A certificate that is never issued."""
    return Made(request.arn("acm", f"certificate/{request.logical_id}"))
