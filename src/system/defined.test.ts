import { describe, expect, it } from 'vitest'
import { defined } from './defined.ts'

describe('defined', () => {
  it('leaves out what is undefined, and keeps all other values that are not true', () => {
    const size: number | undefined = undefined
    expect(defined({ size, zero: 0, empty: '', no: false, nothing: null })).toEqual({
      zero: 0,
      empty: '',
      no: false,
      nothing: null,
    })
    expect(Object.keys(defined({ size }))).toEqual([])
  })
})
