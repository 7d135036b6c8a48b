/** A value of a query: lists are joined by commas, dates are ISO 8601. */
type Value = string | number | boolean | Date | readonly (string | number)[]

/**
 * A query of what is defined.
 *
 * @param repeated names whose lists are given entry by entry
 */
export function queryOf(
  values: Readonly<Record<string, Value | object | undefined>>,
  repeated: readonly string[] = [],
): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) {
      continue
    }
    if (Array.isArray(value)) {
      for (const entry of repeated.includes(name) ? value : [value.join(',')]) {
        query.append(name, String(entry))
      }
    } else {
      query.append(name, value instanceof Date ? value.toISOString() : String(value))
    }
  }
  return query
}
