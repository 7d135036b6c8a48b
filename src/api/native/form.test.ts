import { describe, expect, it } from 'vitest'
import { readForm } from './form.ts'

const BYTES = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 45, 45, 0, 255])

const form = (text: string, bytes = BYTES) => {
  const [before = '', after = ''] = text.replaceAll('\n', '\r\n').split('BYTES')
  return new Uint8Array(Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]))
}
const read = (text: string, boundary = 'x', files = 16) =>
  readForm(form(text), `multipart/form-data; boundary=${boundary}`, files)

describe('a form', () => {
  it.each([
    [
      'with quotes',
      '--x\nContent-Disposition: form-data; name="file"; filename="shelf.png"\n\nBYTES\n--x--\n',
      'x',
    ],
    [
      'without quotes, as .NET and PowerShell 7 write it',
      "--x\nContent-Type: image/png\nContent-Disposition: form-data; name=file; filename=shelf.png; filename*=utf-8''shelf.png\n\nBYTES\n--x--\n",
      '"x"',
    ],
    [
      'with a preamble and an epilogue',
      'This is a multi-part message in MIME format.\n--x\nContent-Disposition: form-data; name="file"; filename="shelf.png"\n\nBYTES\n--x--\nend\n',
      'x',
    ],
    [
      'in lower case, without blanks',
      '--x\ncontent-disposition:form-data;name="file";filename="shelf.png"\ncontent-type:image/png\n\nBYTES\n--x--',
      'x',
    ],
    [
      'with a boundary of blanks and signs in quotes',
      '--a b\'()+_,-./:=?\nContent-Disposition: form-data; name="file"; filename="shelf.png"\n\nBYTES\n--a b\'()+_,-./:=?--\n',
      '"a b\'()+_,-./:=?"',
    ],
  ])('%s is read', async (_how, text, boundary) => {
    expect(await read(text, boundary)).toEqual([{ name: 'file', fileName: 'shelf.png', bytes: BYTES }])
  })

  it('keeps files and fields in their order, and names in any script', async () => {
    const text = [
      '--x\nContent-Disposition: form-data; name="minScore"\n\n0.3\n',
      "--x\nContent-Disposition: form-data; name=a; filename*=utf-8''%E2%82%AC%20rates.png\n\nBYTES\n",
      '--x\nContent-Disposition: form-data; name="b"; filename="größe.png"\n\nsecond\n',
      '--x\nContent-Disposition: form-data; name="c"; filename=""\nContent-Type: application/octet-stream\n\n\n--x--\n',
    ].join('')
    expect(await read(text)).toEqual([
      { name: 'minScore', text: '0.3' },
      { name: 'a', fileName: '€ rates.png', bytes: BYTES },
      { name: 'b', fileName: 'größe.png', bytes: new Uint8Array(Buffer.from('second')) },
    ])
  })

  it('takes a part of the type of a picture for a file, with or without a name', async () => {
    const text =
      '--x\nContent-Disposition: form-data; name="image"\nContent-Type: image/png\n\nBYTES\n--x--\n'
    expect(await read(text)).toEqual([{ name: 'image', fileName: undefined, bytes: BYTES }])
  })

  it('comes whole through pieces of any size', async () => {
    const large = new Uint8Array(1_000_000).map((_, i) => i * 31)
    const text = '--x\nContent-Disposition: form-data; name="file"; filename="a"\n\nBYTES\n--x--\n'
    const [part] = await readForm(form(text, large), 'multipart/form-data; boundary=x', 1)
    expect(part).toMatchObject({ name: 'file', fileName: 'a' })
    expect(Buffer.compare((part as { bytes: Uint8Array }).bytes, large)).toBe(0)
  })

  it.each([
    ['no boundary', form('--x--'), 'multipart/form-data'],
    [
      'an end before the last boundary',
      form('--x\nContent-Disposition: form-data; name="a"; filename="b"\n\nabc'),
    ],
    ['no boundary in the body', form('abc')],
    ['a field without a name', form('--x\nContent-Disposition: form-data\n\n1\n--x--')],
    [
      'a file without a name of the field',
      form('--x\nContent-Disposition: form-data; filename="a.png"\nContent-Type: image/png\n\n1\n--x--'),
    ],
    ['too many fields', form(`${'--x\nContent-Disposition: form-data; name="a"\n\n1\n'.repeat(200)}--x--`)],
    [
      'too many files',
      form(`${'--x\nContent-Disposition: form-data; name="a"; filename="b"\n\n1\n'.repeat(200)}--x--`),
    ],
    [
      'a field that is too long',
      form(`--x\nContent-Disposition: form-data; name="a"\n\n${'1'.repeat(20_000)}\n--x--`),
    ],
  ])('is refused with %s', async (_what, body, type = 'multipart/form-data; boundary=x') => {
    await expect(readForm(body, type, 4)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  it('is no longer read once it has too many parts', async () => {
    const part = '--x\nContent-Disposition: form-data; name="a"\n\n1\n'
    const many = form(`${part.repeat(450_000)}--x--`)
    await expect(readForm(many, 'multipart/form-data; boundary=x', 4)).rejects.toMatchObject({
      message: expect.stringContaining('at most 64 fields'),
    })
  })
})
