import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BoxletError } from '../../errors.ts'
import { decodeImage } from './decode.ts'
import { checkSvg } from './svg-guard.ts'

const svg = (inner: string, attributes = 'width="40" height="40"'): Uint8Array =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${attributes}>${inner}</svg>`,
  )

let folder: string
let secret: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-svg-'))
  secret = pathToFileURL(join(folder, 'secret.png')).href
  // A pure green picture: were it ever drawn, its colour would show.
  const green = sharp({ create: { width: 40, height: 40, channels: 3, background: '#00ff00' } })
  writeFileSync(join(folder, 'secret.png'), await green.png().toBuffer())
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('checkSvg', () => {
  it('never lets a drawing show another file, however the reference is spelled', async () => {
    const spelled = [
      `<image href="${secret}" width="40" height="40"/>`,
      `<image xlink:href='${secret}' width="40" height="40"/>`,
      `<image title=">" href="${secret}" width="40" height="40"/>`,
      `<image href="${secret.replace('f', '&#102;')}" width="40" height="40"/>`,
      `<x:image xmlns:x="http://www.w3.org/2000/svg" href="${secret}" width="40" height="40"/>`,
      `<style>rect{fill:url(${secret}#a)}</style><rect width="40" height="40"/>`,
      `<style>rect{fill:\\75rl(${secret}#a)}</style><rect width="40" height="40"/>`,
      `<use href="${secret}#a"/>`,
      `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${secret}" parse="text"/>`,
      '<image href="secret.png" width="40" height="40"/>',
      '<image href="//example.com/a.png" width="40" height="40"/>',
    ]
    for (const inner of spelled) {
      expect(() => checkSvg(svg(inner)), inner).toThrow(/Expected no/)
    }
  })

  it('is not the only wall: the renderer does not load references either', async () => {
    const bytes = Buffer.from(svg(`<image href="${secret}" width="40" height="40"/>`))
    const { data } = await sharp(bytes)
      .flatten({ background: '#fff' })
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([...data].every((value) => value === 255)).toBe(true)
  })

  it('refuses entities, filters, style sheets from elsewhere and odd encodings', () => {
    const refused = [
      Buffer.from('<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]><svg><text>&x;</text></svg>'),
      Buffer.from('<!DOCTYPE svg PUBLIC "a" "b" [ ]><svg/>'),
      Buffer.from('<?xml version="1.0" encoding="UTF-7"?><svg/>'),
      Buffer.from('<?xml-stylesheet href="a.css"?><svg/>'),
      svg('<filter id="f"><feTurbulence/></filter><rect filter="url(#f)" width="40" height="40"/>'),
      svg('<rect style="fil&#116;er:blur(900px)" width="40" height="40"/>'),
      svg('<style>@import "a.css";</style>'),
      svg('<use href="#a"/>'.repeat(10_001)),
    ]
    for (const bytes of refused) {
      expect(() => checkSvg(bytes)).toThrow(/^Expected .+ for an SVG drawing but/)
    }
  })

  it('counts the pixels of embedded pictures before they are decoded', async () => {
    const small = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#f00' } })
      .png()
      .toBuffer()
    const image = (bytes: Uint8Array, type = 'png') =>
      `<image href="data:image/${type};base64,${Buffer.from(bytes).toString('base64')}" width="9" height="9"/>`
    expect(() => checkSvg(svg(image(small)))).not.toThrow()
    const bomb = Buffer.from(small)
    bomb.writeUInt32BE(60_000, 16)
    bomb.writeUInt32BE(60_000, 20)
    expect(() => checkSvg(svg(image(bomb)))).toThrow(/embedded pictures/)
    expect(() => checkSvg(svg(image(small).repeat(17)))).toThrow(/embedded pictures/)
    expect(() => checkSvg(svg(image(svg('<rect/>'), 'svg+xml')))).toThrow(/references/)
    expect(() => checkSvg(svg(image(svg('<rect/>'))))).toThrow(/embedded pictures/)
  })

  it('draws gradients, links, repeats and embedded pictures', async () => {
    const drawing = svg(
      '<defs><linearGradient id="g"><stop stop-color="#f00"/></linearGradient></defs>' +
        '<rect id="r" width="20" height="40" style="fill:url(&quot;#g&quot;)"/><use href="#r" x="20"/>' +
        '<a href="https://example.com/"><rect width="1" height="1" fill="url(#g)"/></a>',
    )
    const { pixels } = await decodeImage(drawing)
    expect([...pixels.data].every((value, i) => value === [255, 0, 0][i % 3])).toBe(true)
  })

  it('reads tags with megabytes of attributes to their end', () => {
    const many = 'a="1" '.repeat(1_500_000)
    expect(() => checkSvg(svg(`<rect ${many}/>`))).not.toThrow()
    expect(() => checkSvg(svg(`<rect ${' '.repeat(9_900_000)}/>`))).not.toThrow()
    expect(() => checkSvg(svg(`<image ${many}href="${secret}"/>`))).toThrow(/no references/)
    expect(() => checkSvg(svg(`<rect ${many}/><image href="${secret}"/>`))).toThrow(/no references/)
  })

  it('checks ten megabytes of hostile text in linear time', () => {
    const runs = [
      '<image ',
      'href=" ',
      'url(',
      'url(   ',
      '<!DOCTYPE ',
      '&#',
      '\\',
      '<use x="',
      "<a '",
      '< ',
      'filter ',
    ]
    const texts = runs.map((run) => run.repeat(Math.floor(9_000_000 / run.length)))
    texts.push(
      `<image href="data:image/png;base64,${'A'.repeat(9_000_000)}"/>`,
      `<path d='${'M0 0'.repeat(2_000_000)}'/>`,
    )
    for (const text of texts) {
      const bytes = svg(text)
      const start = performance.now()
      try {
        checkSvg(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(BoxletError)
      }
      // A quadratic pattern would take hours; this is a guard against hanging, not a measurement.
      expect(performance.now() - start, text.slice(0, 20)).toBeLessThan(20_000)
    }
  })
})
