import type { Detection } from '../api.ts'

/**
 * The option `classes` that shows what the page shows, undefined while no class is hidden: the classes of this picture
 * without the hidden ones, since a whole list of 80 hides what was meant. All others of the model where that leaves none.
 */
export function classesBut(
  hidden: ReadonlySet<string>,
  detections: readonly Detection[],
  labels: readonly (string | null)[],
): string | undefined {
  if (hidden.size === 0) {
    return undefined
  }
  const kept = (some: readonly (string | null)[]) =>
    [...new Set(some)].filter((label) => label !== null && label !== '' && !hidden.has(label))
  const here = kept(detections.map(({ label }) => label))
  const classes = here.length > 0 ? here : kept(labels)
  // A comma parts labels in a query; the number of the class says the same.
  const written = classes.map((label) => (label?.includes(',') ? String(labels.indexOf(label)) : label))
  return written.length === 0 ? undefined : written.join(',')
}
