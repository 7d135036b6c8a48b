import { describe, expect, it } from 'vitest'
import { lightBuiltins } from './light-builtins.ts'

const HEAD = 'const require=x;'
const made = (text: string, count: number): string => lightBuiltins(HEAD + text, HEAD, count)

describe('lightBuiltins', () => {
  it.each([
    [
      'import{readFileSync as a,open}from"node:fs";b();',
      'const{readFileSync:a,open}=require("node:fs");b();',
    ],
    ['import a from"node:path";', 'const a=require("node:path");'],
    ['import*as a from"os";', 'const a=require("os");'],
    [
      'import a,{join as b}from"node:path";',
      'const a=require("node:path");const{join:b}=require("node:path");',
    ],
    ['import{Hash as a}from"node:crypto";', 'const{Hash:a}=require("node:crypto");'],
  ])('%s', (text, expected) => {
    expect(made(text, 1)).toBe(HEAD + expected)
  })
  it('brings them before all code, which could use them, and leaves other imports', () => {
    expect(made('import{b}from"./b.mjs";b();function c(){}import{d}from"node:os";import"./e.mjs";', 1)).toBe(
      `${HEAD}const{d}=require("node:os");import{b}from"./b.mjs";b();function c(){}import"./e.mjs";`,
    )
  })
  it('refuses text whose imports are not as many as the bundler counted', () => {
    expect(() => made('const s=`;import{b}from"node:fs";`', 0)).toThrow('Expected 0 imports')
  })
})
