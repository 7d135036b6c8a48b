import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tableUse } from '../../../src/aws/cost/job-writes.ts'
import { sampleBatch } from '../../../src/aws/cost/jobs-cost.ts'
import { openAwsHome } from '../../../src/aws/jobs/home.ts'
import { fromAttributes, type Item } from '../../../src/aws/jobs/item.ts'
import { IN_TRANSACTION, unitsOf } from '../../../src/aws/jobs/write-units.ts'
import type { ManifestPosition } from '../../../src/jobs/job-store.ts'
import { type Moto, startMoto } from '../moto.ts'
import { type Relay, startRelay } from '../relay.ts'
import { motoServer } from '../tools.ts'
import { makeJobStack, region } from './stack.ts'

/** Writes of a request in DynamoDB's own form. */
interface Sent {
  TransactItems?: Record<string, { Key?: Attributes; Item?: Attributes }>[]
  RequestItems?: Record<string, { PutRequest?: { Item: Attributes }; DeleteRequest?: { Key: Attributes } }[]>
  Key?: Attributes
  Item?: Attributes
}
type Attributes = Parameters<typeof fromAttributes>[0]

describe.skipIf(motoServer === undefined)('the table of jobs', () => {
  let moto: Moto
  let relay: Relay
  const outer = { ...process.env }
  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    relay = await startRelay(moto.endpoint)
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: region,
    })
  }, 60_000)
  afterAll(async () => {
    await relay?.stop()
    await moto?.stop()
    process.env = outer
  })

  it('takes as many units for the pictures of a list as "boxlet cost" says', async () => {
    const { places } = await makeJobStack(moto.endpoint, 'units')
    const home = openAwsHome({ ...places, endpoint: relay.endpoint, region }, [])
    const sample = sampleBatch()
    const source = { bucket: 'b', key: 'list.jsonl', format: 'jsonl' as const }
    const [accepted] = await home.store.accept([
      { tenant: sample.tenant, options: {}, pictures: [], manifest: source, ttlMs: 30 * 86_400_000 },
    ])
    const { id } = (accepted as { job: { id: string } }).job
    const [unread] = await home.store.unread(1)
    const rest: ManifestPosition = { source, offset: 1, lines: sample.pictures.length }
    const finished = sample.finished.map((one) => ({ ...one, ref: { ...one.ref, job: id } }))
    // The job and its list are there; from here on what is done for each picture.
    const writes: { key: Attributes; times: number }[] = []
    let reads = 0
    relay.seen = (headers, body) => {
      const operation = String(headers['x-amz-target']).split('.')[1]
      const sent = JSON.parse(body) as Sent
      const add = (each: { Key?: Attributes; Item?: Attributes } | undefined, times: number): void => {
        const key = each?.Key ?? each?.Item
        if (key !== undefined) {
          writes.push({ key, times })
        }
      }
      reads += operation === 'GetItem' ? 1 : 0
      if (['PutItem', 'UpdateItem', 'DeleteItem'].includes(operation!)) {
        add(sent, 1)
      }
      for (const { PutRequest, DeleteRequest } of operation === 'BatchWriteItem'
        ? Object.values(sent.RequestItems ?? {}).flat()
        : []) {
        add(PutRequest ?? DeleteRequest, 1)
      }
      for (const action of sent.TransactItems ?? []) {
        add(Object.values(action)[0], IN_TRANSACTION)
      }
    }
    await home.store.expand(unread!, sample.pictures, rest)
    const ofTheList = writes.splice(sample.pictures.length)
    for (const { ref } of finished) {
      await home.store.start(ref)
    }
    const startedBy = writes.splice(sample.pictures.length)
    await home.store.finish(finished)
    relay.seen = undefined

    const items = await itemsOf(places.table)
    const units = writes.reduce(
      (sum, { key, times }) => sum + times * unitsOf(items.get(nameOf(fromAttributes(key)))!),
      0,
    )
    // Labels that the job has seen elsewhere make its counters larger than they are after one batch.
    const said = tableUse({ ...sample, job: id, finished, labels: [] })
    expect(units / finished.length).toBeCloseTo(said.writeUnits, 6)
    expect(units / finished.length).toBeLessThan(6)
    // Once for a part of the list, which holds thousands, and once for the job.
    expect(ofTheList).toHaveLength(2)
    expect(startedBy).toHaveLength(1)
    // Job and picture of each start, and one look at the job at the end.
    expect(reads).toBeLessThanOrEqual(2 * finished.length + 3)
    await home.close()
  }, 60_000)

  async function itemsOf(TableName: string): Promise<Map<string, Item>> {
    const client = new DynamoDBClient({ endpoint: moto.endpoint, region })
    const { Items = [] } = await client.send(new ScanCommand({ TableName }))
    return new Map(Items.map(fromAttributes).map((item) => [nameOf(item), item]))
  }
})

const nameOf = ({ pk, sk }: Item): string => `${pk} ${sk}`
