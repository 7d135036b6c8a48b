import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { REGION } from './stacks.ts'

/** PutLogEvents takes no more at once. */
const BATCH = 10_000

/** Writes as the environments of a function do, each into a stream of its own. */
export class LogWriter {
  readonly #endpoint: () => string
  readonly #logGroupName: string

  constructor(endpoint: () => string, group: string) {
    this.#endpoint = endpoint
    this.#logGroupName = group
  }

  get #client(): CloudWatchLogsClient {
    return new CloudWatchLogsClient({ endpoint: this.#endpoint(), region: REGION })
  }

  async put(logStreamName: string, lines: readonly (readonly [time: number, text: string])[]): Promise<void> {
    const names = { logGroupName: this.#logGroupName, logStreamName }
    const known = (error: Error): void => {
      if (error.name !== 'ResourceAlreadyExistsException') {
        throw error
      }
    }
    await this.#client.send(new CreateLogGroupCommand({ logGroupName: this.#logGroupName })).catch(known)
    await this.#client.send(new CreateLogStreamCommand(names)).catch(known)
    for (let at = 0; at < lines.length; at += BATCH) {
      const logEvents = lines.slice(at, at + BATCH).map(([timestamp, message]) => ({ timestamp, message }))
      await this.#client.send(new PutLogEventsCommand({ ...names, logEvents }))
    }
  }

  async drop(): Promise<void> {
    await this.#client.send(new DeleteLogGroupCommand({ logGroupName: this.#logGroupName }))
  }
}
