/** The table as CloudFormation and the SDK describe it; `keys.ts` says what lies where. */

const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const })
const schema = (hash: string) => [
  { AttributeName: hash, KeyType: 'HASH' as const },
  { AttributeName: 'sk', KeyType: 'RANGE' as const },
]
/** Only jobs have the attributes of an index, so that pictures cost nothing in it. */
const index = (name: string) => ({
  IndexName: name,
  KeySchema: schema(name),
  Projection: { ProjectionType: 'ALL' as const },
})

/** Attribute with the second after which DynamoDB removes an item. */
export const TTL_ATTRIBUTE = 'ttl'

export const TABLE_DEFINITION = {
  BillingMode: 'PAY_PER_REQUEST' as const,
  AttributeDefinitions: ['pk', 'sk', 'byState', 'byBatch'].map(attribute),
  KeySchema: schema('pk'),
  GlobalSecondaryIndexes: ['byState', 'byBatch'].map(index),
}
