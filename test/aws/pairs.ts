/**
 * Few combinations in which every two values of two different options meet: most faults of a template need no more
 * than two. Greedy, and the same each time.
 */
export type Choice = Readonly<Record<string, string>>
export type Factors = Readonly<Record<string, readonly Choice[]>>

export function pairwise(factors: Factors): Choice[] {
  const names = Object.keys(factors)
  const open = new Set<string>()
  const pair = (a: number, i: number, b: number, j: number) => `${a}:${i} ${b}:${j}`
  each(names, factors, (a, i, b, j) => open.add(pair(a, i, b, j)))
  const rows: number[][] = []
  while (open.size > 0) {
    const [first] = open
    const [[a, i], [b, j]] = first!.split(' ').map((part) => part.split(':').map(Number)) as [
      [number, number],
      [number, number],
    ]
    const row: (number | undefined)[] = names.map(() => undefined)
    row[a] = i
    row[b] = j
    for (const [index, name] of names.entries()) {
      row[index] ??= best(factors[name]!.length, (value) =>
        count(row, (other, otherValue) =>
          other < index
            ? open.has(pair(other, otherValue, index, value))
            : open.has(pair(index, value, other, otherValue)),
        ),
      )
    }
    const whole = row as number[]
    for (const [x, value] of whole.entries()) {
      for (let y = x + 1; y < whole.length; y++) {
        open.delete(pair(x, value, y, whole[y]!))
      }
    }
    rows.push(whole)
  }
  return rows.map((row) => Object.assign({}, ...row.map((value, index) => factors[names[index]!]![value])))
}

function each(
  names: readonly string[],
  factors: Factors,
  visit: (a: number, i: number, b: number, j: number) => void,
): void {
  for (let a = 0; a < names.length; a++) {
    for (let b = a + 1; b < names.length; b++) {
      for (let i = 0; i < factors[names[a]!]!.length; i++) {
        for (let j = 0; j < factors[names[b]!]!.length; j++) {
          visit(a, i, b, j)
        }
      }
    }
  }
}

function best(values: number, gain: (value: number) => number): number {
  let found = 0
  for (let value = 1; value < values; value++) {
    if (gain(value) > gain(found)) {
      found = value
    }
  }
  return found
}

const count = (row: readonly (number | undefined)[], holds: (index: number, value: number) => boolean) =>
  row.filter((value, index) => value !== undefined && holds(index, value)).length
