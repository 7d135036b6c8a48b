import type { Folder } from '../../onnx/graph/fold.ts'
import type { Links } from '../../onnx/graph/links.ts'
import type { OnnxModel, OnnxNode } from '../../onnx/model.ts'
import { inferShapes } from '../../onnx/shapes/shapes.ts'
import type { NewNode, NewTensor } from '../../onnx/write/encode.ts'

/** Attention over the cells of a map, with its sizes freed. */
export interface FreedAttention {
  /** Nodes that compute the same for any size once `replace` is done. */
  nodes: Set<OnnxNode>
  replace: Map<OnnxNode, readonly NewNode[]>
  constants: NewTensor[]
}

/**
 * Finds attention as YOLO11 and YOLOv10 have it: a map [1, C, h, w] is read as [1, heads, C / heads, h · w], cut,
 * multiplied with itself, and read as a map again. Only the two kinds of Reshape hold the exported size; the
 * first becomes [1, heads, C / heads, −1], the second takes height and width from the map that went in.
 *
 * source  ultralytics `nn/modules/block.py` Attention
 */
export function freeAttention(model: OnnxModel, links: Links, folder: Folder): FreedAttention {
  const freed: FreedAttention = { nodes: new Set(), replace: new Map(), constants: [] }
  if (!model.graph.nodes.some(({ op }) => op === 'MatMul') || (model.opsets.get('ai.onnx') ?? 0) < 10) {
    return freed
  }
  const { shapes } = inferShapes(model, links)
  /** Values whose last axis is the cells of a map, and the name of that map. */
  const tokens = new Map<string, string>()
  for (const node of model.graph.nodes) {
    const map = commonMap(node, tokens)
    const [data = ''] = node.inputs
    if (node.op === 'Reshape') {
      const target = folder.values(node.inputs[1] ?? '')
      const from = shapes.get(data)
      if (target === undefined || from === undefined) {
        continue
      }
      if (map === undefined && opensMap(links, data, from, target)) {
        free(freed, node, [1, target[1] as number, target[2] as number, -1])
        tokens.set(node.outputs[0] ?? '', data)
      } else if (map !== undefined && closesMap(from, target, shapes.get(map))) {
        freeToMap(freed, node, map, target[1] as number)
      }
    } else if (map !== undefined && keepsTokens(node, tokens, links)) {
      freed.nodes.add(node)
      for (const output of node.outputs) {
        tokens.set(output, map)
      }
    }
  }
  return freed
}

/** The one map whose cells all token inputs of a node are. */
function commonMap(node: OnnxNode, tokens: ReadonlyMap<string, string>): string | undefined {
  const maps = new Set(node.inputs.flatMap((name) => tokens.get(name) ?? []))
  return maps.size === 1 ? [...maps][0] : undefined
}

/** [1, C, h, w] of a convolution to [1, heads, C / heads, h · w]. */
function opensMap(links: Links, data: string, from: number[], target: number[]): boolean {
  const [batch, channels = 0, height = 0, width = 0] = from
  const [one, heads = 0, size = 0, cells] = target
  return (
    links.producers.get(data)?.op === 'Conv' &&
    from.length === 4 &&
    target.length === 4 &&
    batch === 1 &&
    one === 1 &&
    heads * size === channels &&
    cells === height * width
  )
}

/** [1, heads, size, h · w] back to [1, heads · size, h, w]. */
function closesMap(from: number[], target: number[], map: number[] | undefined): boolean {
  const [batch, heads = 0, size = 0, cells] = from
  const [one, channels, height = 0, width = 0] = target
  return (
    from.length === 4 &&
    target.length === 4 &&
    batch === 1 &&
    one === 1 &&
    heads * size === channels &&
    cells === height * width &&
    map?.[2] === height &&
    map[3] === width
  )
}

/** Ops between the two, with the cells as the last axis or the last two. */
function keepsTokens(node: OnnxNode, tokens: ReadonlyMap<string, string>, links: Links): boolean {
  if (node.domain !== '') {
    return false
  }
  const axis = node.attributes.get('axis')?.int
  switch (node.op) {
    case 'Split':
      return axis === 2
    case 'Transpose':
      return node.attributes.get('perm')?.ints?.join() === '0,1,3,2'
    case 'MatMul':
      return node.inputs.every((name) => tokens.has(name))
    case 'Softmax':
      return axis === 3 || axis === -1
    case 'Mul':
    case 'Div':
      return node.inputs.every((name) => tokens.has(name) || links.constants.get(name)?.elements === 1)
    default:
      return false
  }
}

function free(freed: FreedAttention, node: OnnxNode, shape: number[]): void {
  const name = `${node.outputs[0]}.shape`
  freed.constants.push(whole(name, shape))
  freed.nodes.add(node)
  freed.replace.set(node, [{ op: 'Reshape', inputs: [node.inputs[0] ?? '', name], outputs: node.outputs }])
}

const whole = (name: string, values: readonly number[]): NewTensor => ({
  name,
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
})

/** Height and width are those of the map, as it comes. */
function freeToMap(freed: FreedAttention, node: OnnxNode, map: string, channels: number): void {
  const made = (part: string) => `${node.outputs[0]}.${part}`
  const numbers = (part: string, ...values: number[]) => {
    freed.constants.push(whole(made(part), values))
    return made(part)
  }
  freed.nodes.add(node)
  freed.replace.set(node, [
    { op: 'Shape', inputs: [map], outputs: [made('sizes')] },
    {
      op: 'Slice',
      inputs: [made('sizes'), numbers('from', 2), numbers('to', 4), numbers('axis', 0)],
      outputs: [made('cells')],
    },
    {
      op: 'Concat',
      inputs: [numbers('channels', 1, channels), made('cells')],
      outputs: [made('shape')],
      attributes: { axis: 0 },
    },
    { op: 'Reshape', inputs: [node.inputs[0] ?? '', made('shape')], outputs: node.outputs },
  ])
}
