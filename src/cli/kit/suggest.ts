/** The name that a misspelt word is nearest to, or undefined where none is near. */
export async function nearest(received: string, names: readonly string[]): Promise<string | undefined> {
  const { nearestNames } = await import('../../system/words.ts')
  const lower = new Map(names.map((name) => [name.toLowerCase(), name]))
  const [found] = nearestNames(received, [...lower.keys()])
  return found === undefined ? undefined : lower.get(found)
}

/** `Did you mean "cup"? ` for a misspelt word, or nothing where no name is near. */
export async function didYouMean(received: string, names: readonly string[]): Promise<string> {
  const name = await nearest(received, names)
  return name === undefined ? '' : `Did you mean "${name}"? `
}
