/** `Did you mean "cup"? ` for a misspelt word, or nothing where no name is near. */
export async function didYouMean(received: string, names: readonly string[]): Promise<string> {
  const { nearestNames } = await import('../../system/words.ts')
  const [nearest] = nearestNames(received, names)
  return nearest === undefined ? '' : `Did you mean "${nearest}"? `
}
