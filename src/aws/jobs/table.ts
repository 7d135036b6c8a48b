import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AttributeValue,
  DynamoDBClient,
  QueryCommandInput,
  TransactWriteItem,
  WriteRequest,
} from '@aws-sdk/client-dynamodb'
import { BoxletError } from '../../errors.ts'
import { backOff } from '../../jobs/retry.ts'
import { defined } from '../../system/defined.ts'
import { clientOptions, isUnreachable, loadSdk, sdkFault, unreachable } from '../clients/sdk.ts'
import { fromAttributes, type Item, type ItemValue, toAttributes } from './item.ts'
import type { Key } from './keys.ts'

type Sdk = typeof import('@aws-sdk/client-dynamodb')
const sdk = (): Sdk => loadSdk<Sdk>('@aws-sdk/client-dynamodb')

/** What DynamoDB takes in one call. Source: DynamoDB developer guide, "Service quotas". */
const MOST_IN_TRANSACTION = 100
const MOST_IN_BATCH_WRITE = 25
const MOST_IN_BATCH_GET = 100
/** A transaction that meets another at one item is tried again this often, about two seconds in all. */
const MOST_CONFLICTS = 8
const CONFLICT_MS = 20
const MOST_CONFLICT_MS = 500

/** A part of an expression with its values: names are `#a`, values `:a`. */
export interface Expression {
  set?: string
  names?: Readonly<Record<string, string>>
  values?: Readonly<Record<string, ItemValue>>
  condition?: string
}

export type Write =
  | {
      kind: 'put'
      item: Key & Readonly<Record<string, ItemValue | undefined>>
      condition?: string
      values?: Expression['values']
    }
  | ({ kind: 'update'; key: Key } & Expression & { set: string })
  | { kind: 'delete'; key: Key; condition?: string; values?: Expression['values'] }

export interface TableOptions {
  name: string
  /** For tests against an emulator. */
  endpoint?: string
  region?: string
}

export interface QueryOptions {
  pk: string
  /** Sort keys in `[from, to]`, as text. */
  from?: string
  to?: string
  descending?: boolean
  /** Items asked for at once; all are given, as long as they are read. */
  page?: number
  index?: { name: string; pk: string; sk: string }
  /** Reads what was written a moment ago; not for an index. */
  consistent?: boolean
}

/** One DynamoDB table, read and written by items of plain values. */
export class Table {
  readonly name: string
  readonly #options: TableOptions
  #client: DynamoDBClient | undefined

  constructor(options: TableOptions) {
    this.name = options.name
    this.#options = options
  }

  async get(key: Key): Promise<Item | undefined> {
    const { GetItemCommand } = sdk()
    const { Item: found } = await this.#send((client) =>
      client.send(new GetItemCommand({ TableName: this.name, Key: keyOf(key), ConsistentRead: true })),
    )
    return found === undefined ? undefined : fromAttributes(found)
  }

  /** In the order of the keys; undefined where there is none. */
  async getAll(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    const { BatchGetItemCommand } = sdk()
    const found = new Map<string, Item>()
    for (let start = 0; start < keys.length; start += MOST_IN_BATCH_GET) {
      let Keys = unique(keys.slice(start, start + MOST_IN_BATCH_GET)).map(keyOf)
      for (let tries = 1; Keys.length > 0; tries++) {
        const { Responses, UnprocessedKeys } = await this.#send((client) =>
          client.send(
            new BatchGetItemCommand({ RequestItems: { [this.name]: { Keys, ConsistentRead: true } } }),
          ),
        )
        for (const attributes of Responses?.[this.name] ?? []) {
          const item = fromAttributes(attributes)
          found.set(`${item.pk} ${item.sk}`, item)
        }
        Keys = (UnprocessedKeys?.[this.name]?.Keys as typeof Keys | undefined) ?? []
        await this.#pause(Keys.length, tries)
      }
    }
    return keys.map(({ pk, sk }) => found.get(`${pk} ${sk}`))
  }

  async *query(options: QueryOptions): AsyncGenerator<Item> {
    const { QueryCommand } = sdk()
    const { pk, from, to, descending = false, page, index, consistent = index === undefined } = options
    const range =
      from !== undefined && to !== undefined
        ? ' AND #s BETWEEN :from AND :to'
        : from !== undefined
          ? ' AND #s >= :from'
          : to !== undefined
            ? ' AND #s <= :to'
            : ''
    // DynamoDB refuses such a range instead of finding nothing in it.
    if (from !== undefined && to !== undefined && from > to) {
      return
    }
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined
    do {
      const input: QueryCommandInput = {
        TableName: this.name,
        KeyConditionExpression: `#p = :p${range}`,
        ExpressionAttributeNames: {
          '#p': index?.pk ?? 'pk',
          ...(range !== '' && { '#s': index?.sk ?? 'sk' }),
        },
        ExpressionAttributeValues: toAttributes({ ':p': pk, ':from': from, ':to': to }),
        ScanIndexForward: !descending,
        ConsistentRead: consistent,
        ...defined({ Limit: page, IndexName: index?.name, ExclusiveStartKey }),
      }
      const { Items = [], LastEvaluatedKey } = await this.#send((client) =>
        client.send(new QueryCommand(input)),
      )
      yield* Items.map(fromAttributes)
      ExclusiveStartKey = LastEvaluatedKey
    } while (ExclusiveStartKey !== undefined)
  }

  /** Every item, for maintenance only: it reads, and is billed for, the whole table. */
  async *scan(): AsyncGenerator<Item> {
    const { ScanCommand } = sdk()
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined
    do {
      const { Items = [], LastEvaluatedKey } = await this.#send((client) =>
        client.send(new ScanCommand({ TableName: this.name, ...defined({ ExclusiveStartKey }) })),
      )
      yield* Items.map(fromAttributes)
      ExclusiveStartKey = LastEvaluatedKey
    } while (ExclusiveStartKey !== undefined)
  }

  /** One write. @returns the item as it is then, or false where the condition does not hold */
  async write(write: Write): Promise<Item | false> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#write(actionOf(this.name, write))
      } catch (error) {
        const { name } = sdkFault((error as Error).cause)
        if (name === 'ConditionalCheckFailedException') {
          return false
        }
        // It meets a transaction on the same item.
        if (name !== 'TransactionConflictException' || tries === MOST_CONFLICTS) {
          throw error
        }
        await sleep(backOff(tries, CONFLICT_MS, MOST_CONFLICT_MS))
      }
    }
  }

  async #write({ Put, Update, Delete }: ReturnType<typeof actionOf>): Promise<Item> {
    const { DeleteItemCommand, PutItemCommand, UpdateItemCommand } = sdk()
    if (Put !== undefined) {
      await this.#send((client) => client.send(new PutItemCommand(Put)))
      return {}
    }
    if (Delete !== undefined) {
      await this.#send((client) => client.send(new DeleteItemCommand(Delete)))
      return {}
    }
    const { Attributes = {} } = await this.#send((client) =>
      client.send(new UpdateItemCommand({ ...Update!, ReturnValues: 'ALL_NEW' })),
    )
    return fromAttributes(Attributes)
  }

  /**
   * Writes all or nothing.
   *
   * @returns indices of the writes whose conditions do not hold; none where all was written
   */
  async transact(writes: readonly Write[]): Promise<number[]> {
    if (writes.length > MOST_IN_TRANSACTION) {
      throw new BoxletError('INTERNAL', `Expected at most ${MOST_IN_TRANSACTION} writes in a transaction.`)
    }
    const { TransactWriteItemsCommand } = sdk()
    const TransactItems = writes.map((write) => actionOf(this.name, write))
    for (let tries = 1; ; tries++) {
      try {
        await this.#send((client) => client.send(new TransactWriteItemsCommand({ TransactItems })))
        return []
      } catch (error) {
        const { CancellationReasons: reasons } = (error as Error).cause as {
          CancellationReasons?: { Code?: string }[]
        }
        const broken = (reasons ?? []).flatMap(({ Code }, i) =>
          Code === 'ConditionalCheckFailed' ? [i] : [],
        )
        if (broken.length > 0) {
          return broken
        }
        if (reasons === undefined || tries === MOST_CONFLICTS) {
          throw error
        }
        await sleep(backOff(tries, CONFLICT_MS, MOST_CONFLICT_MS))
      }
    }
  }

  /** Puts and deletes without conditions, in any order and not as one; the last of one key counts. */
  async writeAll(given: readonly Extract<Write, { kind: 'put' | 'delete' }>[]): Promise<void> {
    const { BatchWriteItemCommand } = sdk()
    const nameOf = ({ pk, sk }: Key): string => `${pk} ${sk}`
    const byKey = new Map(
      given.map((write) => [nameOf(write.kind === 'put' ? write.item : write.key), write]),
    )
    const writes = [...byKey.values()]
    for (let start = 0; start < writes.length; start += MOST_IN_BATCH_WRITE) {
      let requests: WriteRequest[] = writes
        .slice(start, start + MOST_IN_BATCH_WRITE)
        .map((write) =>
          write.kind === 'put'
            ? { PutRequest: { Item: toAttributes(write.item) } }
            : { DeleteRequest: { Key: keyOf(write.key) } },
        )
      for (let tries = 1; requests.length > 0; tries++) {
        const { UnprocessedItems } = await this.#send((client) =>
          client.send(new BatchWriteItemCommand({ RequestItems: { [this.name]: requests } })),
        )
        requests = UnprocessedItems?.[this.name] ?? []
        await this.#pause(requests.length, tries)
      }
    }
  }

  close(): void {
    this.#client?.destroy()
  }

  async #pause(left: number, tries: number): Promise<void> {
    if (left === 0) {
      return
    }
    if (tries === MOST_CONFLICTS) {
      throw new BoxletError('STORE_UNAVAILABLE', 'Expected DynamoDB to take all items but it left some out.')
    }
    await sleep(backOff(tries, CONFLICT_MS, MOST_CONFLICT_MS))
  }

  async #send<T>(call: (client: DynamoDBClient) => Promise<T>): Promise<T> {
    if (this.#client === undefined) {
      const { DynamoDBClient } = sdk()
      const { endpoint, region } = this.#options
      this.#client = new DynamoDBClient({ ...clientOptions(), ...defined({ endpoint, region }) })
    }
    try {
      return await call(this.#client)
    } catch (error) {
      throw tableFault(error)
    }
  }
}

const keyOf = ({ pk, sk }: Key): Record<string, AttributeValue> => toAttributes({ pk, sk })

const unique = (keys: readonly Key[]): Key[] => [
  ...new Map(keys.map((key) => [`${key.pk} ${key.sk}`, key])).values(),
]

function actionOf(
  TableName: string,
  write: Write,
): TransactWriteItem & {
  Put?: NonNullable<TransactWriteItem['Put']>
} {
  const { condition: ConditionExpression, values } = write
  const ExpressionAttributeValues = values === undefined ? undefined : toAttributes(values)
  const shared = { TableName, ...defined({ ConditionExpression, ExpressionAttributeValues }) }
  if (write.kind === 'put') {
    return { Put: { ...shared, Item: toAttributes(write.item) } }
  }
  if (write.kind === 'delete') {
    return { Delete: { ...shared, Key: keyOf(write.key) } }
  }
  return {
    Update: {
      ...shared,
      Key: keyOf(write.key),
      UpdateExpression: write.set,
      ...(write.names !== undefined && { ExpressionAttributeNames: { ...write.names } }),
    },
  }
}

function tableFault(error: unknown): BoxletError {
  if (isUnreachable(error)) {
    return unreachable('STORE_UNAVAILABLE', 'DynamoDB', error)
  }
  const { name, status } = sdkFault(error)
  const hint =
    name === 'ResourceNotFoundException'
      ? 'Check the name and the region of the table.'
      : status === 400 && /AccessDenied/.test(name)
        ? 'Let the role use the table, as the stack that "boxlet deploy --async" makes does.'
        : 'Try again.'
  return new BoxletError('STORE_UNAVAILABLE', `Expected DynamoDB to answer but it said ${name}.`, {
    cause: error,
    hint,
  })
}
