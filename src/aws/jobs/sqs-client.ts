import type { SQSClient } from '@aws-sdk/client-sqs'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { clientOptions, isUnreachable, loadSdk, sdkFault, unreachable } from '../clients/sdk.ts'

type Sdk = typeof import('@aws-sdk/client-sqs')
export const sqs = (): Sdk => loadSdk<Sdk>('@aws-sdk/client-sqs')

export interface SqsOptions {
  /** For tests against an emulator. */
  endpoint?: string
  region?: string
}

/** The client of SQS, made with the first call. */
export class Sqs {
  readonly #options: SqsOptions
  #client: SQSClient | undefined

  constructor(options: SqsOptions) {
    this.#options = options
  }

  /** @throws BoxletError STORE_UNAVAILABLE */
  async send<T>(call: (client: SQSClient) => Promise<T>): Promise<T> {
    if (this.#client === undefined) {
      const { SQSClient } = sqs()
      const { endpoint, region } = this.#options
      // The URL of a queue names its host; an emulator's may be another than where it is reached.
      this.#client = new SQSClient({
        ...clientOptions(),
        useQueueUrlAsEndpoint: endpoint === undefined,
        ...defined({ endpoint, region }),
      })
    }
    try {
      return await call(this.#client)
    } catch (error) {
      if (isUnreachable(error)) {
        throw unreachable('STORE_UNAVAILABLE', 'SQS', error)
      }
      throw new BoxletError(
        'STORE_UNAVAILABLE',
        `Expected SQS to answer but it said ${sdkFault(error).name}.`,
        {
          cause: error,
          hint: 'Check the address of the queue, its region, and what the role may do.',
        },
      )
    }
  }

  close(): void {
    this.#client?.destroy()
  }
}
