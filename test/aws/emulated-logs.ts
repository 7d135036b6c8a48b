import { afterAll, beforeAll, beforeEach } from 'vitest'
import { LogWriter } from './log-writer.ts'
import { type Moto, startMoto } from './moto.ts'
import { type Relay, startRelay } from './relay.ts'
import { awsVariables, createStack } from './stacks.ts'
import { motoServer } from './tools.ts'

/** Before each test: a stack with two functions and no lines, for the AWS clients of this process. */
export class EmulatedLogs {
  relay!: Relay
  readonly main: LogWriter
  readonly worker: LogWriter
  #moto!: Moto

  constructor() {
    const outer = { ...process.env }
    this.main = new LogWriter(() => this.endpoint, '/aws/lambda/boxlet')
    this.worker = new LogWriter(() => this.endpoint, '/aws/lambda/boxlet-worker')
    beforeAll(async () => {
      this.#moto = await startMoto(motoServer as string)
      this.relay = await startRelay(this.endpoint)
      Object.assign(process.env, awsVariables(this.relay.endpoint))
    })
    afterAll(async () => {
      process.env = outer
      await this.relay?.stop()
      await this.#moto?.stop()
    })
    beforeEach(async () => {
      this.relay.state = 'up'
      this.relay.change = undefined
      await this.#moto.reset()
      await createStack(this.endpoint, 'boxlet', { DataBucketName: 'photos' })
    })
  }

  /** Without the relay. */
  get endpoint(): string {
    return this.#moto.endpoint
  }
}

/** What lines say, without their times. */
export const words = (out: string): string[] =>
  out.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(line.indexOf(' ') + 1)]))
