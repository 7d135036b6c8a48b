/** The parts of a stack that hold jobs, made in an emulated AWS, and a poller that does what Lambda's own does. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { EVENT_SOURCE } from '../../../src/aws/jobs/event-bridge-bus.ts'
import { type JobPlaces, PLACE_VARIABLES } from '../../../src/aws/jobs/places.ts'
import { TABLE_DEFINITION } from '../../../src/aws/jobs/table-definition.ts'

export const region = 'us-east-1'
/** Receives before a message lies among the dead letters. */
const MOST_RECEIVES = 5

export interface JobStack {
  places: JobPlaces
  environment: Record<string, string>
  s3: S3Client
  /** Details of the events that a rule on the bus has passed on since the last call. */
  events(): Promise<{ 'detail-type': string; detail: Record<string, unknown> }[]>
  /** Hands messages of a queue to a function, and deletes what it does not name. @returns how many */
  pump(which: 'pictures' | 'chores', invoke: (event: object) => Promise<Failures>): Promise<number>
}

export interface Failures {
  batchItemFailures: { itemIdentifier: string }[]
}

/** @param visibility seconds after which a message that nobody has deleted comes again */
export async function makeJobStack(endpoint: string, name: string, visibility = 3): Promise<JobStack> {
  const options = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
  const sqs = new SQSClient(options)
  const s3 = new S3Client({ ...options, forcePathStyle: true })
  const bridge = new EventBridgeClient(options)
  const queue = async (QueueName: string, dead?: string): Promise<string> => {
    const Attributes =
      dead === undefined
        ? {}
        : {
            VisibilityTimeout: String(visibility),
            RedrivePolicy: JSON.stringify({
              deadLetterTargetArn: await arnOf(sqs, dead),
              maxReceiveCount: MOST_RECEIVES,
            }),
          }
    return (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!
  }
  await new DynamoDBClient(options).send(
    new CreateTableCommand({ TableName: `${name}-table`, ...TABLE_DEFINITION }),
  )
  await s3.send(new CreateBucketCommand({ Bucket: `${name}-bucket` }))
  await bridge.send(new CreateEventBusCommand({ Name: `${name}-bus` }))
  const deadPictures = await queue(`${name}-dead-pictures`)
  const deadChores = await queue(`${name}-dead-chores`)
  const seen = await queue(`${name}-events`)
  const rule = { Name: 'all', EventBusName: `${name}-bus` }
  await bridge.send(new PutRuleCommand({ ...rule, EventPattern: JSON.stringify({ source: [EVENT_SOURCE] }) }))
  await bridge.send(
    new PutTargetsCommand({
      Rule: rule.Name,
      EventBusName: rule.EventBusName,
      Targets: [{ Id: 'q', Arn: await arnOf(sqs, seen) }],
    }),
  )
  const places: JobPlaces = {
    table: `${name}-table`,
    pictures: await queue(`${name}-pictures`, deadPictures),
    deadPictures,
    chores: await queue(`${name}-chores`, deadChores),
    deadChores,
    bucket: `${name}-bucket`,
    bus: `${name}-bus`,
  }
  return {
    places,
    s3,
    environment: Object.fromEntries(
      Object.entries(PLACE_VARIABLES).map(([place, variable]) => [
        variable,
        places[place as keyof typeof PLACE_VARIABLES],
      ]),
    ),
    async events() {
      const all = []
      for (let some = await receive(sqs, seen); some.length > 0; some = await receive(sqs, seen)) {
        for (const { Body, ReceiptHandle } of some) {
          all.push(JSON.parse(Body!) as { 'detail-type': string; detail: Record<string, unknown> })
          await sqs.send(new DeleteMessageCommand({ QueueUrl: seen, ReceiptHandle }))
        }
      }
      return all
    },
    pump: (which, invoke) => pumpQueue(sqs, places[which], invoke),
  }
}

const arnOf = async (sqs: SQSClient, QueueUrl: string): Promise<string> =>
  (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))).Attributes!
    .QueueArn!

const receive = async (sqs: SQSClient, QueueUrl: string) =>
  (
    await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    )
  ).Messages ?? []

/** Hands messages of a queue to a function as Lambda does, and deletes what it does not name. @returns how many */
async function pumpQueue(
  sqs: SQSClient,
  QueueUrl: string,
  invoke: (event: object) => Promise<Failures>,
): Promise<number> {
  const messages = await receive(sqs, QueueUrl)
  if (messages.length === 0) {
    return 0
  }
  const eventSourceARN = await arnOf(sqs, QueueUrl)
  const { batchItemFailures } = await invoke({
    Records: messages.map(({ MessageId, ReceiptHandle, Body, Attributes, MessageAttributes = {} }) => ({
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      attributes: Attributes,
      messageAttributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([key, { StringValue }]) => [
          key,
          { stringValue: StringValue },
        ]),
      ),
      eventSource: 'aws:sqs',
      eventSourceARN,
    })),
  })
  const again = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
  for (const { MessageId, ReceiptHandle } of messages) {
    if (!again.has(MessageId!)) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })).catch(() => {})
    }
  }
  return messages.length
}
