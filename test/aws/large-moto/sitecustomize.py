"""Loaded by moto's own Python where this folder is on its path: transactions on a table of many items.

moto copies the whole table before each transaction, to put it back when one of its conditions does not hold. That
takes seconds for ten thousand items. Here only the items that the transaction names are copied, and put back.
"""
import copy

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

whole = DynamoDBBackend.transact_write_items


def transact_write_items(self, transact_items):
    before = []
    for action in transact_items:
        op = next(iter(action.values()))
        table = self.get_table(op["TableName"])
        key = op.get("Key") or op["Item"]
        key = {name: key[name] for name in (table.hash_key_attr, table.range_key_attr)}
        before.append((op["TableName"], key, copy.deepcopy(self.get_item(op["TableName"], key))))
    try:
        whole(self, transact_items)
    except Exception:
        for name, key, item in before:
            table = self.get_table(name)
            self.delete_item(name, key)
            if item is not None:
                table.items[item.hash_key][item.range_key] = item
        raise


Table.__deepcopy__ = lambda self, memo: self
DynamoDBBackend.transact_write_items = transact_write_items
