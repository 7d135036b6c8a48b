import { BoxletError } from '../errors.ts'
import type { Family } from './family.ts'
import { markForeign } from './foreign.ts'
import { KNOWN_FAMILIES } from './known.ts'

/** Every family that recognition asks, and that a contract may name. */
const families = new Map(KNOWN_FAMILIES.map((family) => [family.name, family]))

/**
 * Adds a family, or takes the place of one of the same name. Call it before loading a model.
 *
 * @throws BoxletError USAGE for a name that a contract could not carry
 */
export function registerFamily(family: Family): void {
  if (!/^[a-z0-9][a-z0-9-]{0,40}$/.test(family.name)) {
    throw new BoxletError(
      'USAGE',
      `Expected lower-case letters, digits and hyphens for a family name but received "${family.name}".`,
    )
  }
  if (!KNOWN_FAMILIES.includes(family)) {
    markForeign(family)
  }
  families.set(family.name, family)
}

export const allFamilies = (): readonly Family[] => [...families.values()]

/** @throws BoxletError CONTRACT_INVALID when no family has that name */
export function familyNamed(name: string): Family {
  const family = families.get(name)
  if (family === undefined) {
    throw new BoxletError('CONTRACT_INVALID', `Expected the name of a family but received "${name}".`, {
      hint: `Known families: ${[...families.keys()].sort().join(', ')}.`,
    })
  }
  return family
}
