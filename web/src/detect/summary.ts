/** "5 objects: 4 × person, 1 × bus", most frequent first; what a screen reader hears when a picture is done. */
export function summary(labels: readonly string[], hidden: number): string {
  const more = hidden > 0 ? ` ${hidden} more hidden by class.` : ''
  if (labels.length === 0) {
    return hidden > 0 ? `${hidden} hidden by class.` : 'No objects at this threshold.'
  }
  const counts = new Map<string, number>()
  for (const label of labels) {
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  const parts = [...counts].sort(([, a], [, b]) => b - a).map(([label, count]) => `${count} × ${label}`)
  return `${labels.length} ${labels.length === 1 ? 'object' : 'objects'}: ${parts.join(', ')}.${more}`
}
