import type { EventKind } from '../../jobs/event-bus.ts'
import type { JobHome } from '../../jobs/home.ts'
import { defined } from '../../system/defined.ts'
import { S3BlobStore } from '../clients/s3-blob-store.ts'
import { DeadLetters } from './dead-letters.ts'
import { DynamoJobStore } from './dynamo-job-store.ts'
import { DynamoTransfer } from './dynamo-transfer.ts'
import { EventBridgeBus } from './event-bridge-bus.ts'
import { S3OwnBlobs } from './own-blobs.ts'
import type { JobPlaces } from './places.ts'
import { Sqs } from './sqs-client.ts'
import { SqsQueue } from './sqs-queue.ts'
import { Table } from './table.ts'

/** A look into an empty queue is billed. */
const IDLE_MS = 2000

export interface AwsJobHome extends JobHome {
  readonly pictures: SqsQueue
  readonly webhooks: SqsQueue
  readonly blobs: S3OwnBlobs
  readonly objects: S3BlobStore
  /** The bucket of the stack, in which pictures of several owners lie. */
  readonly bucket: string
}

/** The ports of a stack: nothing is connected to before it is used. */
export function openAwsHome(places: JobPlaces, kinds: readonly EventKind[]): AwsJobHome {
  const { region, endpoint } = places
  const where = defined({ region, endpoint })
  const table = new Table({ name: places.table, ...where })
  const sqs = new Sqs(where)
  const objects = new S3BlobStore(where)
  const blobs = new S3OwnBlobs(objects, places.bucket)
  const queue = (name: string, url: string, deadUrl: string): SqsQueue =>
    new SqsQueue({ sqs, url, deadUrl, dead: new DeadLetters(table, name, Date.now) })
  return {
    name: places.table,
    store: new DynamoJobStore(table, blobs),
    transfer: new DynamoTransfer(table, blobs, Date.now),
    pictures: queue('pictures', places.pictures, places.deadPictures),
    webhooks: queue('chores', places.chores, places.deadChores),
    bus: new EventBridgeBus({ table, bus: places.bus, kinds, ...where }),
    blobs,
    objects,
    bucket: places.bucket,
    seesFiles: false,
    idleMs: IDLE_MS,
    close: async () => {
      table.close()
      sqs.close()
    },
  }
}
