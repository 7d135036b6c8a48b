import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import {
  checkAnswerSize,
  directAnswer,
  FunctionError,
  httpResult,
  MAX_ANSWER_BYTES,
  sendBody,
} from './answers.ts'

describe('answers', () => {
  it('encode binary answers only', async () => {
    expect(await httpResult(Response.json({ a: 'ü' }))).toMatchObject({
      body: '{"a":"ü"}',
      isBase64Encoded: false,
    })
    const picture = new Response(new Uint8Array([1, 2]), {
      headers: { 'content-type': 'image/png', 'set-cookie': 'a=1' },
    })
    expect(await httpResult(picture)).toMatchObject({ body: 'AQI=', isBase64Encoded: true, cookies: ['a=1'] })
  })

  it('give headers as lists to those that send lists', async () => {
    const result = await httpResult(Response.json({}), true)
    expect(result.multiValueHeaders).toEqual({ 'content-type': ['application/json'] })
    expect(result.headers).toBeUndefined()
  })

  it.each([
    ['escaped quotes', (n: number) => '"'.repeat(n), 2],
    ['control characters', (n: number) => '\u0001'.repeat(n), 6],
    ['two-byte characters', (n: number) => 'ü'.repeat(n), 2],
    ['base64', (n: number) => 'A'.repeat(n), 1],
  ])('are measured as Lambda counts them: %s', (_name, make, bytesEach) => {
    const around = Buffer.byteLength(JSON.stringify({ statusCode: 200, body: '' }))
    const most = Math.floor((MAX_ANSWER_BYTES - around) / bytesEach)
    const check = (n: number) => {
      const body = make(n)
      checkAnswerSize({ statusCode: 200, body }, body, MAX_ANSWER_BYTES)
    }
    expect(() => check(most)).not.toThrow()
    expect(() => check(most + 1)).toThrow(expect.objectContaining({ code: 'REQUEST_TOO_LARGE' }))
  })
})

describe('errors of direct calls', () => {
  const failure = (status: number, body: unknown) =>
    directAnswer(Response.json(body, { status })).then(
      () => undefined,
      ({ name, message }: Error) => ({ name, message }),
    )

  it('carry code, sentence and hint', async () => {
    expect(
      await failure(415, {
        error: { code: 'IMAGE_FORMAT', message: 'Expected a picture.', hint: 'Send one.' },
      }),
    ).toEqual({ name: 'IMAGE_FORMAT', message: 'Expected a picture. Send one.' })
  })

  it('carry the names and sentences of Rekognition where its form was sent', async () => {
    expect(
      await failure(400, {
        __type: 'InvalidImageFormatException',
        Message: 'Request has invalid image format',
      }),
    ).toEqual({ name: 'InvalidImageFormatException', message: 'Request has invalid image format' })
  })
})

describe('streamed answers', () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield Buffer.alloc(65_536)
    }
  }

  it('arrive in full', async () => {
    const out = new PassThrough()
    const [sent, got] = await Promise.all([sendBody([Buffer.from('a'), Buffer.from('b')], out), text(out)])
    expect([sent, got]).toEqual(['sent', 'ab'])
  })

  it('stop when the caller goes away', async () => {
    const full = new Writable({ write: () => {} })
    setTimeout(() => full.destroy(), 50)
    expect(await sendBody(endless(), full)).toBe('gone')
  })

  it('pass on what breaks in the body', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a')
      throw new RangeError('half way')
    }
    await expect(sendBody(broken(), new PassThrough())).rejects.toThrow('half way')
  })

  it('write once where there is no body, since the head goes out with the first write', async () => {
    const writes: string[] = []
    const out = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        writes.push(chunk)
        done()
      },
    })
    await sendBody(null, out)
    expect(writes).toEqual([''])
    expect(out.writableEnded).toBe(true)
  })
})

it('tells a direct caller code, sentence and hint, and no stack with paths of the function', () => {
  const error = new FunctionError({ code: 'IMAGE_EMPTY', message: 'Expected bytes.', hint: 'Send some.' })
  expect(error).toMatchObject({ name: 'IMAGE_EMPTY', message: 'Expected bytes. Send some.' })
  expect(error.stack).toBe('IMAGE_EMPTY: Expected bytes. Send some.')
})
