/** `Did you mean "cup"? ` for a misspelt word, or nothing where no name is near. */
export async function didYouMean(received: string, names: readonly string[]): Promise<string> {
  const { nearestNames } = await import('../model/catalogue.ts')
  const near = nearestNames(received, names).map((name) => `"${name}"`)
  return near.length === 0 ? '' : `Did you mean ${near.join(' or ')}? `
}
