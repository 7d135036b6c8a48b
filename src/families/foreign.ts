import type { Family } from './family.ts'

const foreign = new WeakSet<Family>()

/** Notes a family that was registered from outside: its faults must not be told as faults of Boxlet. */
export const markForeign = (family: Family): void => {
  foreign.add(family)
}
export const isForeign = (family: Family): boolean => foreign.has(family)
