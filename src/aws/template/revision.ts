import { createHash } from 'node:crypto'

const LENGTH = 16

/**
 * Value of the parameter `Revision`: another one for another package and for any other value of a parameter, the
 * same one where nothing changes.
 *
 * @param packageHash hash of the package
 * @param parameters all parameters of the deployment, with those that keep their value; the order does not matter
 */
export function revisionOf(packageHash: string, parameters: Readonly<Record<string, unknown>>): string {
  const named = Object.entries(parameters)
    .filter(([name]) => name !== 'Revision')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([packageHash, named]))
    .digest('hex')
    .slice(0, LENGTH)
}
