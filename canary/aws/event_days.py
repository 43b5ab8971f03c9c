"""The days of a test that are over: summed up once, and remembered in the table of releases."""

from __future__ import annotations

import re
import uuid
from typing import Any

from botocore.exceptions import ClientError

from canary.aws.athena import Athena
from canary.aws.conversations_sql import DAY_SECONDS, Days, date_of, day
from canary.aws.items import from_item, to_item
from canary.release.model import ReleaseState

__all__ = ["COMPLETE_SECONDS", "EventDays"]

COMPLETE_SECONDS = 3600.0
"""So long after midnight a day's events have arrived: the feed takes a minute or two."""
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
"""A test's id that can be a folder of S3; the days of another one stay raw."""


class EventDays:
    """Sums up days into the table that Athena calls `days`, and says which are there.

    An item per test and day names the attempt whose rows count. What a failed or a second attempt
    has written is named by no item: nobody reads it, and the bucket's lifecycle removes it.
    """

    def __init__(self, client: Any, table: str, athena: Athena) -> None:
        self._client = client
        self._table = table
        self._athena = athena

    def load(self, test_id: str) -> Days:
        """The days of a test that are summed up."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": _partition(test_id)}),
            ConsistentRead=True,
        )
        items = [from_item(item) for page in pages for item in page["Items"]]
        attempts = {str(item["sk"]): str(item["attempt"]) for item in items}
        return Days(self._athena.days_table, test_id, attempts)

    def sum_up(self, state: ReleaseState, location: str, now: float) -> str | None:
        """Sum up the oldest day that is complete and not there yet; its date, or None.

        `location` is the table's place, `s3://.../`. Raises `QueryError`; the next call tries the
        day again.
        """
        if not _PLAIN.fullmatch(state.test_id):
            return None
        over = now - COMPLETE_SECONDS
        start = self.load(state.test_id).until(state.admitted_at, over)
        if start + DAY_SECONDS > over:
            return None
        date, attempt = date_of(start), uuid.uuid4().hex
        query = day(self._athena.table, state.release_id, date, attempt)
        folder = f"{location}test_id={state.test_id}/date={date}/attempt={attempt}/"
        self._athena.unload(query, folder)
        self._remember(state.test_id, date, attempt, now)
        return date

    def _remember(self, test_id: str, date: str, attempt: str, now: float) -> None:
        """The first attempt that is through counts."""
        item = {"pk": _partition(test_id), "sk": date, "attempt": attempt, "at": now}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item(item),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise


def _partition(test_id: str) -> str:
    return f"DAYS#{test_id}"
