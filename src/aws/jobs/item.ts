import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** What an attribute of an item may be; anything larger is text of JSON. */
export type ItemValue = string | number | Uint8Array
export type Item = Readonly<Record<string, ItemValue>>

type Attributes = Record<string, AttributeValue>

/** An item in DynamoDB's own form. What is undefined is left out. */
export function toAttributes(item: Readonly<Record<string, ItemValue | undefined>>): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) {
      attributes[name] = toAttribute(value)
    }
  }
  return attributes
}

export function fromAttributes(attributes: Attributes): Item {
  const item: Record<string, ItemValue> = {}
  for (const [name, value] of Object.entries(attributes)) {
    item[name] = value.N !== undefined ? Number(value.N) : (value.S ?? value.B ?? '')
  }
  return item
}

function toAttribute(value: ItemValue): AttributeValue {
  if (typeof value === 'string') {
    return { S: value }
  }
  return typeof value === 'number' ? { N: String(value) } : { B: value }
}
