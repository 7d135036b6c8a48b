"""Loaded by moto's own Python where this folder is on its path: tables and queues of ten thousand items.

What moto answers is the same. It copies the whole table before each transaction, sorts the whole table for each query,
and counts all messages of a queue for each that is sent; here it looks at the items and messages that are asked for.
"""
import copy
import threading
import time
from inspect import signature

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.sqs.models import Message, Queue, SQSBackend

here = threading.local()
transact = DynamoDBBackend.transact_write_items
query = Table.query
all_items = Table.all_items


def transact_items(self, transact_items):
    """Copies the items that the transaction names, and puts them back where it is cancelled."""
    before = []
    for action in transact_items:
        op = next(iter(action.values()))
        table = self.get_table(op["TableName"])
        key = op.get("Key") or op["Item"]
        key = {name: key[name] for name in (table.hash_key_attr, table.range_key_attr)}
        before.append((op["TableName"], key, copy.deepcopy(self.get_item(op["TableName"], key))))
    try:
        transact(self, transact_items)
    except Exception:
        for name, key, item in before:
            self.delete_item(name, key)
            if item is not None:
                self.get_table(name).items[item.hash_key][item.range_key] = item
        raise


def query_partition(self, *args, **kwargs):
    asked = signature(query).bind(self, *args, **kwargs).arguments
    here.partition = None if asked.get("index_name") else asked["hash_key"]
    try:
        return query(self, *args, **kwargs)
    finally:
        here.partition = None


def items_of_partition(self):
    partition = getattr(here, "partition", None)
    if partition is None:
        return all_items(self)
    return sorted(self.items.get(partition, {}).values(), key=lambda item: item.range_key)


def without_counts(method):
    def run(self, *args, **kwargs):
        here.counts = False
        try:
            return method(self, *args, **kwargs)
        finally:
            here.counts = True

    return run


def count(name):
    whole = getattr(Queue, name).fget
    setattr(Queue, name, property(lambda self: whole(self) if getattr(here, "counts", True) else 0))


Table.__deepcopy__ = lambda self, memo: self
Table.query = query_partition
Table.all_items = items_of_partition
DynamoDBBackend.transact_write_items = transact_items
SQSBackend.send_message = without_counts(SQSBackend.send_message)
SQSBackend.is_message_valid_based_on_retention_period = without_counts(
    SQSBackend.is_message_valid_based_on_retention_period
)
for suffix in ("", "_delayed", "_not_visible"):
    count("approximate_number_of_messages" + suffix)
Message.visible = property(lambda self: time.time() * 1000 > self.visible_at)
Message.delayed = property(lambda self: time.time() * 1000 < self.delayed_until)
