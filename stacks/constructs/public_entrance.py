"""The public load balancer: what customers reach, and the port that only a test reaches.

CodeDeploy rewrites the default actions of both listeners, so nothing here may change lightly: a
change of a listener makes CloudFormation write its template's group back, which may be empty. A
new certificate is added to the listener as another one, it does not replace the parameter's.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from aws_cdk import (
    aws_s3 as s3,
)
from aws_cdk import (
    aws_ssm as ssm,
)
from constructs import Construct

from stacks.constructs.balancer import balancer
from stacks.constructs.paths import HTTPS, TEST_PORT
from stacks.names import CERTIFICATE

__all__ = ["PublicEntrance"]


class PublicEntrance(Construct):
    """Listener `production` for customers, on 443; listener `test` for the deployment's test.

    Both begin at the group that the service begins in: a listener before an empty group would
    answer 503 to the entrance's health checks, which the API's alarms would count. CodeDeploy
    brings the other group in. Port 80 answers with a redirect. The test listener speaks plain
    HTTP, as everything inside the network does: the security group lets nobody but the private
    test entrance reach it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        group: ec2.ISecurityGroup,
        access_logs: s3.IBucket,
        blue: elb.ApplicationTargetGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.balancer = balancer(
            self, "Balancer", vpc=vpc, group=group, access_logs=access_logs, public=True
        )
        certificate = ssm.StringParameter.value_for_string_parameter(self, CERTIFICATE)
        self.production = self.balancer.add_listener(
            "Https",
            port=HTTPS,
            protocol=elb.ApplicationProtocol.HTTPS,
            certificates=[elb.ListenerCertificate.from_arn(certificate)],
            ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
            open=False,
            default_target_groups=[blue],
        )
        self.test = self.balancer.add_listener(
            "Test",
            port=TEST_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            open=False,
            default_target_groups=[blue],
        )
        self.balancer.add_redirect(open=False)
        for listener, logical_id in (
            (self.production, "ProductionListener"),
            (self.test, "TestListener"),
        ):
            resource = listener.node.default_child
            assert isinstance(resource, cdk.CfnResource)
            resource.override_logical_id(logical_id)
