import type { Item, ItemValue } from './item.ts'

/** A write of an item costs a unit for each kilobyte begun. Source: DynamoDB developer guide, "Read and write capacity". */
const UNIT_BYTES = 1024
/** A transaction writes everything twice. */
export const IN_TRANSACTION = 2

/** Bytes that DynamoDB counts for an item: its names and its values. Source: the same guide, "Item sizes and formats". */
export const itemBytes = (item: Readonly<Record<string, ItemValue | undefined>>): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) => (value === undefined ? sum : sum + Buffer.byteLength(name) + valueBytes(value)),
    0,
  )

function valueBytes(value: ItemValue): number {
  if (typeof value === 'number') {
    return Math.ceil(String(value).replace(/\D/g, '').length / 2) + 1
  }
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

export const unitsOf = (item: Readonly<Record<string, ItemValue | undefined>> | Item): number =>
  Math.max(1, Math.ceil(itemBytes(item) / UNIT_BYTES))
