import { describe, expect, it } from 'vitest'
import { boxlet } from '../../test/support/boxlet.ts'
import { inOwnNames } from './kit/own-names.ts'

const hint = async (...args: string[]) => {
  const { code, out, err } = await boxlet(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err.trimEnd().split('\n')).toHaveLength(1)
  return err
}

describe('a word of another tool in the place of a verb', () => {
  it.each([
    [['inference', 'a.jpg'], 'Here it is "boxlet detect".'],
    [['undeploy'], 'Here it is "boxlet destroy".'],
    [['inspect', 'a.onnx'], 'Here it is "boxlet model inspect".'],
    [['pull'], 'Here it is "boxlet model pull".'],
    [['doctor'], 'Here it is "boxlet model doctor".'],
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
    [['detect', 'a.jpg', '--device', 'cuda'], 'run on the processor'],
    [['detect', 'a.jpg', '--save-txt'], '--format yolo --out DIR'],
    [['detect', 'a.jpg', '--modle', 'x'], 'Did you mean "--model"?'],
  ])('%j is answered with the option that is meant', async (args, expected) => {
    expect(await hint(...args)).toContain(expected)
  })
})

describe('a call in the words of another tool', () => {
  it.each([
    [['predict', 'a.jpg'], 'IMAGE_NOT_FOUND'],
    [['PREDICT', 'model=none.onnx', 'source=a.jpg'], '"none.onnx" does not exist'],
    [['detect', 'a.jpg', '--conf', '5'], 'from 0 to 1 for --min-score'],
    [['detect', 'a.jpg', 'conf=5'], 'from 0 to 1 for --min-score'],
    [['detect', 'a.jpg', '--max_det=0'], 'for --max but received "0"'],
    [['detect', '--source', 'a.jpg', 'save_crop=True'], 'Expected --out with a folder for --crop'],
    [['detect', '--', 'conf=5'], '"conf=5" does not exist'],
    [['val', '--dataset'], 'Expected a value for --data'],
    [['train', 'lr0=x', 'a'], 'for --rate but received "x"'],
  ])('%j is read as it is meant', async (args, expected) => {
    const { err } = await boxlet(args)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(err).toContain(expected)
  })
  it('leaves values of options alone', () => {
    const options = {
      set: { type: 'string', says: 'x' },
      rate: { type: 'number', says: 'x', alsoKnownAs: ['lr'] },
    } as const
    expect(inOwnNames(['--set', 'lr=5', 'lr=3', '--lr', 'lr=2'], options)).toEqual([
      '--set',
      'lr=5',
      '--rate=3',
      '--rate',
      'lr=2',
    ])
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
