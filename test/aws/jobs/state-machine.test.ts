import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../../src/errors.ts'
import { type Moto, startMoto } from '../moto.ts'
import { motoServer } from '../tools.ts'

const file = join(import.meta.dirname, '../../../examples/state-machine/definition.json')

interface Detect {
  Retry: { ErrorEquals: string[] }[]
  Catch: { ErrorEquals: string[] }[]
}

describe.skipIf(motoServer === undefined)('the state machine of the examples', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
  }, 60_000)
  afterAll(() => moto?.stop())

  it('is taken by AWS as moto has it', async () => {
    const definition = (await readFile(file, 'utf8')).replaceAll(
      'FUNCTION_ARN',
      'arn:aws:lambda:us-east-1:123456789012:function:boxlet:live',
    )
    const response = await fetch(moto.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AWSStepFunctions.CreateStateMachine',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify({ name: 'map', definition, roleArn: 'arn:aws:iam::123456789012:role/map' }),
    })
    expect(await response.json()).toMatchObject({ stateMachineArn: expect.stringContaining('map') })
  })

  it('names errors that the function has', async () => {
    const machine = JSON.parse(await readFile(file, 'utf8')) as {
      States: { EachPicture: { ItemProcessor: { States: { Detect: Detect } } } }
    }
    const { Retry, Catch } = machine.States.EachPicture.ItemProcessor.States.Detect
    const named = [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals)
    const own = named.filter((name) => !name.includes('.'))
    expect(own.length).toBeGreaterThan(2)
    for (const name of own) {
      expect(Object.keys(ERROR_CODES)).toContain(name)
    }
  })
})
