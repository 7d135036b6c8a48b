/** Entry of the Lambda package: `index.handler` answers whole, `index.streaming` answers as it goes. */
import { type AnswerStream, type Context, Entry } from './entry.ts'
import { useLightWeb } from './stand-ins/light-web.ts'

interface LambdaGlobals {
  awslambda?: {
    streamifyResponse?<H>(handler: H): H
    HttpResponseStream: { from(stream: AnswerStream, head: unknown): AnswerStream }
  }
}

const { awslambda } = globalThis as LambdaGlobals

useLightWeb()
// Lambda waits for the module before it counts the environment as started, so all warm-up happens here.
const entry = await Entry.create(process.env)

export const handler = (event: unknown, context: Context): Promise<unknown> => entry.handle(event, context)

// Libraries keep things of their own under this name, so that it may be there outside Lambda too.
export const streaming = awslambda?.streamifyResponse?.(
  (event: unknown, stream: AnswerStream, context: Context): Promise<void> =>
    entry.stream(event, stream, context, (out, head) => awslambda.HttpResponseStream.from(out, head)),
)
