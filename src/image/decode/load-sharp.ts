import type sharp from 'sharp'
import { BoxletError } from '../../errors.ts'

let loading: Promise<typeof sharp> | undefined

/** Imports sharp on first use: it takes 50–150 ms, which commands that touch no picture need not spend. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      loading = undefined
      throw new BoxletError(
        'INTERNAL',
        `Expected the sharp library for ${process.platform}-${process.arch} but received an install without it.`,
        { cause, hint: 'Run npm install again on this machine, with optional dependencies.' },
      )
    },
  )
  return loading
}
