import type { Licence, LicenceClass } from './contract.ts'

/** How files write their licence, and what each one asks of those who pass the weights on. */
const KNOWN: readonly [RegExp, string, LicenceClass][] = [
  [/agpl/i, 'AGPL-3.0', 'copyleft'],
  [/\blgpl/i, 'LGPL-3.0', 'copyleft'],
  [/\bgpl/i, 'GPL-3.0', 'copyleft'],
  [/non-?commercial|cc-by-nc|deci/i, 'non-commercial', 'non-commercial'],
  [/apache/i, 'Apache-2.0', 'permissive'],
  [/\bmit\b/i, 'MIT', 'permissive'],
  [/bsd-?2/i, 'BSD-2-Clause', 'permissive'],
  [/bsd/i, 'BSD-3-Clause', 'permissive'],
]

/** The licence that the metadata of a model states, or undefined when it states none. */
export function licenceOf(metadata: Record<string, string>): Licence | undefined {
  const text = metadata.license ?? metadata.licence
  if (text === undefined || text.trim() === '') {
    return undefined
  }
  const known = KNOWN.find(([pattern]) => pattern.test(text))
  return known === undefined
    ? { name: text.trim().slice(0, 120), class: 'unknown' }
    : { name: known[1], class: known[2] }
}
