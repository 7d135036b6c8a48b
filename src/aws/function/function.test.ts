import { describe, expect, it } from 'vitest'
import { directCall } from './direct.ts'
import { parseS3Uri } from './s3-model.ts'
import { chosenWarmUp } from './warm-up.ts'

describe('direct calls', () => {
  it.each([
    [{ image: 'AA' }, '/v1/detect'],
    [{ s3: { bucket: 'b', key: 'k' } }, '/v1/detect'],
    [{ image: 'AA', conf_thres: 0.5 }, '/yolambda'],
    [{ Image: { Bytes: 'AA' } }, '/'],
    [{ body: '{"image":"AA"}' }, '/v1/detect'],
    [{ body: Buffer.from([255, 216]).toString('base64'), isBase64Encoded: true }, '/v1/detect'],
  ])('%j goes to %s', (event, path) => {
    expect(new URL(directCall(event)!.request.url).pathname).toBe(path)
  })

  it('take nothing else', () => {
    expect(directCall({ what: 1 })).toBeUndefined()
    expect(directCall('text')).toBeUndefined()
  })

  it('come from callers that IAM has let in', () => {
    expect(directCall({ image: 'AA' })?.connection.principal).toBe('lambda:InvokeFunction')
    expect(directCall({ body: '{"image":"AA"}' })?.connection.principal).toBe('lambda:InvokeFunction')
  })

  it.each([
    [
      'a WebSocket API',
      { requestContext: { routeKey: '$default', connectionId: 'c' }, body: '{"image":"AA"}' },
    ],
    ['VPC Lattice', { raw_path: '/', method: 'POST', headers: {}, body: '{"image":"AA"}' }],
    ['an API with a mapping of its own', { headers: {}, image: 'AA' }],
  ])('are not what %s sends, whose callers IAM has not seen', (_name, event) => {
    expect(directCall(event)).toBeUndefined()
  })
})

describe('settings of a function', () => {
  it('warm up in full only where nobody waits', () => {
    expect(chosenWarmUp({})).toBe('none')
    expect(chosenWarmUp({ AWS_LAMBDA_INITIALIZATION_TYPE: 'provisioned-concurrency' })).toBe('full')
    expect(chosenWarmUp({ BOXLET_WARM_UP: 'full' })).toBe('full')
    expect(() => chosenWarmUp({ BOXLET_WARM_UP: 'small' })).toThrow('for BOXLET_WARM_UP but received "small"')
  })

  it('read addresses of S3', () => {
    expect(parseS3Uri('s3://b/a/c.onnx')).toEqual({ bucket: 'b', key: 'a/c.onnx' })
    expect(() => parseS3Uri('https://b/a')).toThrow('s3://bucket/key')
  })
})
