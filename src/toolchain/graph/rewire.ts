import { type Draft, type DraftNode, hasBody } from './draft.ts'

/** Who reads each value; graph outputs and values that bodies capture are read, too. */
export function readersOf(draft: Draft): Map<string, DraftNode[]> {
  const readers = new Map<string, DraftNode[]>()
  for (const node of draft.nodes) {
    for (const name of new Set([...node.inputs, ...node.captures])) {
      const known = readers.get(name)
      if (known === undefined) {
        readers.set(name, [node])
      } else {
        known.push(node)
      }
    }
  }
  return readers
}

export function producersOf(draft: Draft): Map<string, DraftNode> {
  const producers = new Map<string, DraftNode>()
  for (const node of draft.nodes) {
    for (const name of node.outputs) {
      if (name !== '') {
        producers.set(name, node)
      }
    }
  }
  return producers
}

/** Values whose name must stay: outputs, and those that bodies of branches read. */
export function fixedNames(draft: Draft): Set<string> {
  return new Set([
    ...draft.outputs.map(({ name }) => name),
    ...draft.nodes.flatMap(({ captures }) => captures),
  ])
}

/**
 * Takes out the nodes that `passes` gives a source for: readers of their first output read the source instead.
 * A node whose output has to keep its name goes where the source can take that name.
 *
 * @param passes name that the node hands on unchanged, undefined for all others
 * @returns how many went
 */
export function bypass(draft: Draft, passes: (node: DraftNode) => string | undefined): number {
  const fixed = fixedNames(draft)
  const producers = producersOf(draft)
  const renamed = new Map<string, string>()
  const settled = (name: string): string => {
    let at = name
    for (let to = renamed.get(at); to !== undefined; to = renamed.get(at)) {
      at = to
    }
    return at
  }
  const gone = new Set<DraftNode>()
  for (const node of draft.nodes) {
    const [output = ''] = node.outputs
    const given = passes(node)
    if (given === undefined || node.outputs.slice(1).some((name) => name !== '')) {
      continue
    }
    const source = settled(given)
    if (!fixed.has(output)) {
      renamed.set(output, source)
      gone.add(node)
    } else if (producers.has(source) && !fixed.has(source)) {
      // The source takes the name of the output, once and for all.
      renamed.set(source, output)
      fixed.add(output)
      gone.add(node)
    }
  }
  if (gone.size === 0) {
    return 0
  }
  draft.nodes = draft.nodes.filter((node) => !gone.has(node))
  for (const node of draft.nodes) {
    node.inputs = node.inputs.map(settled)
    node.outputs = node.outputs.map(settled)
  }
  return gone.size
}

/** Takes out nodes that no output needs, then constants that nobody reads. Counts both. */
export function dropUnused(draft: Draft): { nodes: number; constants: number } {
  const producers = producersOf(draft)
  const needed = new Set<string>()
  const kept = new Set<DraftNode>()
  const stack = draft.outputs.map(({ name }) => name)
  while (stack.length > 0) {
    const name = stack.pop()!
    if (name === '' || needed.has(name)) {
      continue
    }
    needed.add(name)
    const producer = producers.get(name)
    if (producer !== undefined && !kept.has(producer)) {
      kept.add(producer)
      stack.push(...producer.inputs, ...producer.captures)
    }
  }
  const before = draft.nodes.length
  draft.nodes = draft.nodes.filter((node) => kept.has(node))
  let constants = 0
  for (const name of [...draft.constants.keys()]) {
    if (!needed.has(name)) {
      draft.constants.delete(name)
      constants++
    }
  }
  return { nodes: before - draft.nodes.length, constants }
}

/** Puts each node behind those that it reads from. Converters append nodes out of order, which passes need not know. */
export function sortNodes(draft: Draft): void {
  const producers = producersOf(draft)
  const done = new Set<DraftNode>()
  const sorted: DraftNode[] = []
  // A stack of its own: a chain of 100,000 nodes is deeper than calls may be.
  for (const first of draft.nodes) {
    const stack: { node: DraftNode; next: number }[] = done.has(first) ? [] : [{ node: first, next: 0 }]
    done.add(first)
    while (stack.length > 0) {
      const top = stack.at(-1)!
      const reads = [...top.node.inputs, ...top.node.captures]
      const name = reads[top.next++]
      if (name === undefined) {
        sorted.push(top.node)
        stack.pop()
        continue
      }
      const producer = producers.get(name)
      if (producer !== undefined && !done.has(producer)) {
        done.add(producer)
        stack.push({ node: producer, next: 0 })
      }
    }
  }
  draft.nodes = sorted
}

/**
 * Give other values each time; or, of quantized files, are where the runtime looks for them: it fuses a pair for each
 * reader, and sums in another order where two readers share one.
 */
const UNLIKE = /^(Random|Multinomial|Bernoulli|QuantizeLinear|DequantizeLinear)/

/** Makes one of equal constants, and one of equal nodes: an anchor grid that is computed for each level, say. */
export function mergeDuplicates(draft: Draft): { nodes: number; constants: number } {
  const fixed = fixedNames(draft)
  const renamed = new Map<string, string>()
  const seen = new Map<string, { name: string; data: Uint8Array }[]>()
  for (const { name, type, dims, data } of draft.constants.values()) {
    if (fixed.has(name)) {
      continue
    }
    const key = `${type}[${dims.join()}]${sample(data)}`
    const others = seen.get(key) ?? []
    const twin = others.find((other) => Buffer.compare(other.data, data) === 0)
    if (twin === undefined) {
      seen.set(key, [...others, { name, data }])
    } else {
      renamed.set(name, twin.name)
    }
  }
  const constants = renamed.size
  const settled = (name: string): string => renamed.get(name) ?? name
  const nodes = new Map<string, DraftNode>()
  const gone = new Set<DraftNode>()
  for (const node of draft.nodes) {
    node.inputs = node.inputs.map(settled)
    if (hasBody(node) || UNLIKE.test(node.op) || node.outputs.some((name) => fixed.has(name))) {
      continue
    }
    const key = JSON.stringify([
      node.op,
      node.inputs,
      node.outputs.map((name) => name !== ''),
      attributeKey(node),
    ])
    const twin = nodes.get(key)
    if (twin === undefined) {
      nodes.set(key, node)
      continue
    }
    for (const [index, name] of node.outputs.entries()) {
      renamed.set(name, twin.outputs[index]!)
    }
    gone.add(node)
  }
  draft.nodes = draft.nodes.filter((node) => !gone.has(node))
  for (const name of [...draft.constants.keys()]) {
    if (renamed.has(name)) {
      draft.constants.delete(name)
    }
  }
  return { nodes: gone.size, constants }
}

/** Enough to tell most constants apart without reading all of them. */
const sample = (data: Uint8Array): string => Buffer.from(data.subarray(0, 48)).toString('latin1')

const attributeKey = ({ attributes }: DraftNode): unknown[] =>
  Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) =>
      typeof value === 'object' && 'kept' in value
        ? [name, Buffer.from(value.kept).toString('latin1')]
        : [name, value],
    )
