import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe } from 'vitest'
import { DeadLetters } from '../../../src/aws/jobs/dead-letters.ts'
import { DynamoJobStore } from '../../../src/aws/jobs/dynamo-job-store.ts'
import { EventBridgeBus } from '../../../src/aws/jobs/event-bridge-bus.ts'
import { Sqs } from '../../../src/aws/jobs/sqs-client.ts'
import { SqsQueue } from '../../../src/aws/jobs/sqs-queue.ts'
import { Table } from '../../../src/aws/jobs/table.ts'
import { TABLE_DEFINITION } from '../../../src/aws/jobs/table-definition.ts'
import { EVENT_KINDS } from '../../../src/jobs/event-bus.ts'
import { eventBusContract } from '../../jobs/event-bus-contract.ts'
import { jobStoreContract } from '../../jobs/job-store-contract.ts'
import { queueContract } from '../../jobs/queue-contract.ts'
import { type Moto, startMoto } from '../moto.ts'
import { motoServer } from '../tools.ts'

const region = 'us-east-1'
/** SQS counts leases in seconds. */
const UNIT_MS = 1000

describe.skipIf(motoServer === undefined)('the ports on AWS', () => {
  let moto: Moto
  let tables = 0
  const outer = { ...process.env }
  const options = () => ({ endpoint: moto.endpoint, region })

  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: region,
    })
  }, 60_000)
  afterAll(async () => {
    await moto?.stop()
    process.env = outer
  })

  async function makeTable(): Promise<Table> {
    const name = `table-${tables++}`
    const client = new DynamoDBClient(options())
    await client.send(new CreateTableCommand({ TableName: name, ...TABLE_DEFINITION }))
    return new Table({ name, ...options() })
  }

  async function makeQueue(mostReceives: number): Promise<SqsQueue> {
    const client = new SQSClient(options())
    const make = async (QueueName: string, Attributes: Record<string, string>) =>
      (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!
    const name = `queue-${tables++}`
    const deadUrl = await make(`${name}-dead`, {})
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] }),
    )
    const url = await make(name, {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: Attributes!.QueueArn,
        maxReceiveCount: mostReceives,
      }),
    })
    const dead = new DeadLetters(await makeTable(), name, Date.now)
    return new SqsQueue({ sqs: new Sqs(options()), url, deadUrl, dead })
  }

  describe('queue', () => {
    queueContract(async () => ({ queue: await makeQueue(3), mostReceives: 3 }), UNIT_MS, false)
  })
  describe('event bus', () => {
    eventBusContract(async () => {
      const bus = `bus-${tables++}`
      await new EventBridgeClient(options()).send(new CreateEventBusCommand({ Name: bus }))
      return new EventBridgeBus({ table: await makeTable(), bus, kinds: EVENT_KINDS, ...options() })
    })
  })
  describe('job store', () => {
    jobStoreContract(async () => {
      const kept = new Map<string, Uint8Array>()
      return new DynamoJobStore(await makeTable(), {
        keep: async (bytes) => {
          const key = String(kept.size)
          kept.set(key, bytes)
          return { bucket: 'b', key }
        },
        get: async ({ key }) => kept.get(key)!,
      })
    })
  })
})
