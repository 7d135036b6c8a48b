import type { Family } from '../../../families/family.ts'

/**
 * The family of the packaged model, which the package puts here: to load all forty for one is 2 ms of every start.
 * Undefined where the package has no model of its own.
 */
export const packagedFamily: Family | undefined = undefined
