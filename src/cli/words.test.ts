import { describe, expect, it } from 'vitest'
import { boxlet } from '../../test/support/boxlet.ts'

const hint = async (...args: string[]) => {
  const { code, out, err } = await boxlet(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err.trimEnd().split('\n')).toHaveLength(1)
  return err
}

describe('a word of another tool in the place of a verb', () => {
  it.each([
    [['predict', 'a.jpg'], 'Here it is "boxlet detect".'],
    [['val'], 'Here it is "boxlet eval".'],
    [['inspect', 'a.onnx'], 'Here it is "boxlet model inspect".'],
    [['pull'], 'Here it is "boxlet model pull".'],
    [['doctor'], 'Here it is "boxlet model doctor".'],
    [['PREDICT'], 'Here it is "boxlet detect".'],
    [['track'], 'does not follow them'],
    [['detct'], 'Did you mean "detect"?'],
    [['photo.jpg', '--out', 'x'], 'run "boxlet detect photo.jpg --out x"'],
    [['https://example.com/a.png'], 'run "boxlet detect https://example.com/a.png"'],
    [['shelf-*.png'], 'run "boxlet detect shelf-*.png"'],
    [['package.json'], 'run "boxlet detect package.json"'],
    [['fridge.onnx'], '"boxlet model inspect fridge.onnx"'],
  ])('%j is answered with the call that is meant', async (args, expected) => {
    expect(await hint(...args)).toContain(expected)
  })
})

describe('a word of another tool in the place of an option', () => {
  it.each([
    [['detect', 'a.jpg', '--conf', '0.5'], 'Here it is --min-score.'],
    [['detect', 'a.jpg', '--output', 'x'], 'Here it is --out.'],
    [['detect', 'a.jpg', '--max_det', '3'], 'Here it is --max.'],
    [['detect', 'a.jpg', '--min_score', '3'], 'Here it is --min-score.'],
    [['detect', 'a.jpg', '--device', 'cuda'], 'run on the processor'],
    [['detect', 'a.jpg', '--save-txt'], '--format yolo --out DIR'],
    [['detect', 'a.jpg', '--modle', 'x'], 'Did you mean "--model"?'],
    [['detect', 'conf=0.5', 'a.jpg'], 'Write --min-score 0.5.'],
    [['detect', 'model=a.onnx'], 'Write --model a.onnx.'],
    [['eval', '--dataset', 'x'], 'Here it is --data.'],
  ])('%j is answered with the option that is meant', async (args, expected) => {
    expect(await hint(...args)).toContain(expected)
  })
})

describe('help', () => {
  it.each([[['help']], [['--help']], [['-h']]])('%j lists the verbs', async (args) => {
    const { code, out } = await boxlet(args)
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}detect +Find objects in pictures\.$/m)
  })
  it('of a group lists its verbs, and each of them has its own', async () => {
    const { out } = await boxlet(['model', '--help'])
    expect(out).toContain('boxlet model pull NAME...')
    expect(out).toMatch(/^ {2}doctor +Try colour order/m)
    for (const args of [
      ['model', 'doctor', '--help'],
      ['help', 'model', 'doctor'],
      ['model', 'doctor', 'x.onnx', '-h'],
    ]) {
      expect((await boxlet(args)).out).toMatch(/--annotations DATA +COCO JSON/)
    }
  })
  it('of an option tells range, choices and default', async () => {
    const { out } = await boxlet(['serve', '--help'])
    expect(out).toMatch(/--port N +port to listen on; 0 takes a free one \(0–65535; default: 8080\)/)
    expect(out.replace(/\s+/g, ' ')).toContain(
      '--log F format of the request log on standard error: json | text | off',
    )
  })
  it('is not what a file called --help asks for', async () => {
    const { code, err } = await boxlet(['detect', '--', '--help'])
    expect(code).toBe(3)
    expect(err).toContain('IMAGE_NOT_FOUND')
  })
})
