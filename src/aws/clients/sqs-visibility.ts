import { clientOptions, loadSdk } from './sdk.ts'

/** What SQS takes in one call. */
const MAX_ENTRIES = 10
const TIMEOUT_MS = 2000

export interface ReceivedMessage {
  id: string
  receipt: string
}

/** Lambda's Node runtimes hold every client of the SDK; the little that is used of this one is typed by hand. */
interface Sqs {
  SQSClient: new (options: object) => { send(command: object, options: object): Promise<unknown> }
  ChangeMessageVisibilityBatchCommand: new (input: {
    QueueUrl: string
    Entries: { Id: string; ReceiptHandle: string; VisibilityTimeout: number }[]
  }) => object
}

/** Lets messages that were received be received again at once, instead of after the queue's visibility timeout. */
export async function showAgain(
  queueArn: string,
  messages: readonly ReceivedMessage[],
  signal: AbortSignal,
): Promise<void> {
  const [, , , region, account, name] = queueArn.split(':')
  const { SQSClient, ChangeMessageVisibilityBatchCommand } = loadSdk<Sqs>('@aws-sdk/client-sqs')
  // The SDK knows the address of the service in each partition, and of an emulator; the queue's is only its name.
  const client = new SQSClient({
    ...clientOptions(TIMEOUT_MS),
    region,
    maxAttempts: 1,
    useQueueUrlAsEndpoint: false,
  })
  for (let start = 0; start < messages.length; start += MAX_ENTRIES) {
    const Entries = messages
      .slice(start, start + MAX_ENTRIES)
      .map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt, VisibilityTimeout: 0 }))
    const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/${name}`
    await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), { abortSignal: signal })
  }
}
