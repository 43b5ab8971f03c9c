"""Tables, buckets, logs, parameters, the cache and the query engine."""

from __future__ import annotations

from typing import Any

from canary.local.cloudformation import Made, Request, handles, native
from canary.local.shapes import to_request

native("AWS::DynamoDB::Table", "live", "moto's table; time to live deletes nothing")
native("AWS::S3::Bucket", "live", "moto's bucket; lifecycle rules and encryption do nothing")
native("AWS::Logs::LogGroup", "live", "lines of tasks and functions")
native("AWS::Logs::ResourcePolicy", "stand-in", "recorded; policies are not enforced")
native("AWS::SSM::Parameter", "live", "moto's parameter store")

_CACHE = "a Valkey process of this machine: one node, no TLS, nothing on disk"


@handles("AWS::CDK::Metadata", "not run", "the CDK's own usage report")
def metadata(request: Request) -> Made:
    """What the CDK adds for itself."""
    return Made(request.name)


@handles("AWS::S3::BucketPolicy", "stand-in", "recorded; policies are not enforced")
def bucket_policy(request: Request) -> Made:
    """A bucket's policy."""
    return Made(request.properties["Bucket"])


@handles(
    "AWS::DynamoDB::GlobalTable",
    "stand-in",
    "a table of this region alone; time to live deletes nothing",
    name_property="TableName",
)
def global_table(request: Request) -> Made:
    """A table with the global one's keys and indexes."""
    if request.previous is not None:
        return request.previous
    client = request.parts.emulator.client("dynamodb")
    keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "StreamSpecification")
    wanted = {key: each for key, each in request.properties.items() if key in keys}
    wanted |= {"TableName": request.name, "BillingMode": "PAY_PER_REQUEST"}
    table = client.create_table(**to_request(client, "create_table", wanted))["TableDescription"]
    attributes = {"Arn": table["TableArn"], "TableId": request.logical_id}
    if stream := table.get("LatestStreamArn"):
        attributes["StreamArn"] = stream
    return Made(request.name, attributes)


@handles(
    "AWS::Logs::SubscriptionFilter",
    "live",
    "the region's log router delivers matching lines to the destination",
    name_property="FilterName",
)
def subscription_filter(request: Request) -> Made:
    """A subscription of a log group."""
    client = request.parts.emulator.client("logs")
    properties = {**request.properties, "FilterName": request.name}
    client.put_subscription_filter(**to_request(client, "put_subscription_filter", properties))
    return Made(request.name)


@handles("AWS::Logs::MetricFilter", "not run", "the templates' alarms read no filtered metric")
def metric_filter(request: Request) -> Made:
    """A filter that publishes nothing."""
    return Made(request.name)


@handles("AWS::Athena::WorkGroup", "live", "DuckDB executes its SQL on the emulator's objects")
def work_group(request: Request) -> Made:
    """A workgroup; an update keeps what exists."""
    if request.previous is not None:
        return request.previous
    client = request.parts.emulator.client("athena")
    name = request.properties["Name"]
    configuration = request.properties.get("WorkGroupConfiguration") or {}
    result = configuration.get("ResultConfiguration") or {}
    client.create_work_group(
        Name=name,
        Configuration={
            "ResultConfiguration": {
                key: value for key, value in result.items() if key == "OutputLocation"
            }
        },
    )
    return Made(name)


@handles("AWS::Athena::NamedQuery", "stand-in", "recorded for people to read")
def named_query(request: Request) -> Made:
    """A saved query."""
    return Made(request.name, {"NamedQueryId": request.name})


@handles("AWS::Glue::Database", "stand-in", "a name; partitions are not projected")
def glue_database(request: Request) -> Made:
    """A database of the catalogue."""
    name = request.properties["DatabaseInput"].get("Name", request.name)
    if request.previous is None:
        client = request.parts.emulator.client("glue")
        client.create_database(DatabaseInput={"Name": name})
    return Made(name)


@handles("AWS::Glue::Table", "stand-in", "columns and location are used; partitions by file name")
def glue_table(request: Request) -> Made:
    """A table of the catalogue."""
    properties = request.properties
    table: dict[str, Any] = properties["TableInput"]
    client = request.parts.emulator.client("glue")
    arguments = to_request(
        client, "create_table", {**properties, "TableInput": table}, ignore=("CatalogId",)
    )
    if request.previous is None:
        client.create_table(**arguments)
    else:
        client.update_table(**arguments)
    return Made(table["Name"])


@handles("AWS::ElastiCache::SubnetGroup", "stand-in", _CACHE)
def cache_subnets(request: Request) -> Made:
    """Where the cache would stand."""
    return Made(request.properties.get("CacheSubnetGroupName", request.name))


@handles("AWS::ElastiCache::ParameterGroup", "stand-in", _CACHE)
def cache_parameters(request: Request) -> Made:
    """The cache's settings, which stay Valkey's own."""
    return Made(request.name, {"CacheParameterGroupName": request.name})


@handles("AWS::ElastiCache::User", "live", "a Valkey user with its password and access string")
def cache_user(request: Request) -> Made:
    """A user who may log in to the cache."""
    properties = request.properties
    passwords = properties.get("Passwords") or (
        (properties.get("AuthenticationMode") or {}).get("Passwords") or []
    )
    request.parts.cache.set_user(
        properties["UserName"],
        [request.parts.resolve_secret(each) for each in passwords],
        properties.get("AccessString", "on ~* +@all"),
    )
    identity = properties["UserId"]
    return Made(identity, {"Arn": request.arn("elasticache", f"user:{identity}")})


@handles("AWS::ElastiCache::UserGroup", "stand-in", _CACHE)
def cache_user_group(request: Request) -> Made:
    """A group of users; each of them may log in."""
    identity = request.properties["UserGroupId"]
    return Made(identity, {"Arn": request.arn("elasticache", f"usergroup:{identity}")})


@handles("AWS::ElastiCache::ReplicationGroup", "stand-in", _CACHE)
def replication_group(request: Request) -> Made:
    """The cache with its primary and reader endpoints, which are one."""
    token = request.properties.get("AuthToken")
    if token:
        request.parts.cache.set_user(
            "default", [request.parts.resolve_secret(token)], "on ~* +@all"
        )
    endpoint = _endpoint(request)
    names = ("PrimaryEndPoint", "ReaderEndPoint", "ConfigurationEndPoint")
    attributes = {f"{name}.{key}": value for name in names for key, value in endpoint.items()}
    return Made(request.properties.get("ReplicationGroupId", request.name), attributes)


@handles("AWS::ElastiCache::ServerlessCache", "stand-in", _CACHE)
def serverless_cache(request: Request) -> Made:
    """The cache with its endpoint."""
    name = request.properties["ServerlessCacheName"]
    endpoint = _endpoint(request)
    attributes = {
        f"{place}.{key}": value
        for place in ("Endpoint", "ReaderEndpoint")
        for key, value in endpoint.items()
    }
    arn = request.arn("elasticache", f"serverlesscache:{name}")
    return Made(name, {**attributes, "ARN": arn, "Status": "available"})


def _endpoint(request: Request) -> dict[str, str]:
    host, port = request.parts.cache.address
    return {"Address": host, "Port": str(port)}
