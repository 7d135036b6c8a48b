import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LightBody, LightHeaders, LightRequest, LightResponse } from './light-web.ts'

describe('the light web classes', () => {
  const header = fc.tuple(
    fc.constantFrom('a', 'B', 'x-c', 'set-cookie', 'Content-Type'),
    fc.stringMatching(/^[ -~]{0,12}$/),
  )

  it('hold headers as the standard ones do', () => {
    fc.assert(
      fc.property(fc.array(header), (entries) => {
        const standard = new Headers(entries.map(([name, value]) => [name, value] as [string, string]))
        const light = new LightHeaders(entries)
        expect([...light]).toEqual([...standard])
        for (const name of ['A', 'b', 'set-cookie', 'none']) {
          expect(light.get(name)).toBe(standard.get(name))
        }
        expect(light.getSetCookie()).toEqual(standard.getSetCookie())
      }),
    )
  })

  it('refuse what would write another header', () => {
    expect(() => new LightHeaders([['a', 'b\r\nc: d']])).toThrow(TypeError)
    expect(() => new LightHeaders([['a b', 'c']])).toThrow(TypeError)
  })

  it('give bodies once and in full', async () => {
    const response = LightResponse.json({ a: 'ü' }, { status: 201 })
    expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/json'])
    expect(await response.json()).toEqual({ a: 'ü' })
    expect(response.bodyUsed).toBe(true)
    await expect(response.text()).rejects.toThrow('already')
    const again = new LightResponse(new LightResponse(new Uint8Array([1, 2])).body)
    expect(new Uint8Array(await again.arrayBuffer())).toEqual(new Uint8Array([1, 2]))
    expect(new LightResponse('t').headers.get('content-type')).toBe('text/plain;charset=UTF-8')
    expect(new LightResponse(null).body).toBeNull()
    expect(new LightRequest('https://x/a b').url).toBe('https://x/a%20b')
    expect(new LightBody('x').used).toBe(false)
  })
})
