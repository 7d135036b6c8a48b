import type { OnnxNode } from '../../onnx/model.ts'
import type { Preparation, PreparationStep } from '../preparation.ts'
import { bodyTakesAnySize } from './any-size.ts'

/**
 * Frees the input size of a raw YOLOX export. Its head flattens one map per stride, and only the count of
 * cells is written into the graph; the decoder takes the size that was fed.
 */
export const freeYoloxSize: PreparationStep = (at) => {
  const { model, contract, edits } = at
  if (contract.family !== 'yolox' || contract.output.options.decoded === true) {
    return undefined
  }
  if (contract.input.dynamic !== undefined || contract.input.geometry.fit !== 'letterbox') {
    return undefined
  }
  const strides = contract.output.options.strides
  const [input, ...others] = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name))
  const [output, ...moreOutputs] = model.graph.outputs
  if (others.length > 0 || moreOutputs.length > 0 || !Array.isArray(strides)) {
    return undefined
  }
  const [batch, channels, height, width] = input?.shape ?? []
  if (batch !== 1 || channels !== 3 || typeof height !== 'number' || typeof width !== 'number') {
    return undefined
  }
  if (input?.type !== 'float32' || output?.type !== 'float32') {
    return undefined
  }
  const columns = 5 + contract.output.classes
  const flattened = flattenedMaps(at, output.name, columns)
  if (flattened?.length !== strides.length) {
    return undefined
  }
  const maps = flattened.map(({ map }) => map)
  if (!bodyTakesAnySize(maps, at.links, at.folder)) {
    return undefined
  }

  const shape = `${output.name}.shape`
  edits.constants.push({
    name: shape,
    type: 'int64',
    dims: [3],
    data: BigInt64Array.of(1n, BigInt(columns), -1n),
  })
  for (const { reshape, map } of flattened) {
    edits.replace.set(reshape, [{ op: 'Reshape', inputs: [map, shape], outputs: reshape.outputs }])
  }
  edits.inputs = [{ name: input.name, type: 'float32', shape: [1, 3, 'height', 'width'] }]
  edits.outputs = [{ name: output.name, type: 'float32', shape: [1, 'cells', columns] }]
  edits.dropValueInfo = true
  const stride = Math.max(...(strides as number[]))
  return {
    contract: { ...contract, input: { ...contract.input, dynamic: { stride } } },
    edit: `The input takes any multiple of ${stride}.`,
  }
}

interface Flattened {
  reshape: OnnxNode
  /** The map [1, columns, h, w] before it is flattened. */
  map: string
}

/** output = transpose(join(flatten(map), flatten(map), …)). */
function flattenedMaps(
  { links, folder }: Preparation,
  output: string,
  columns: number,
): Flattened[] | undefined {
  const transposed = links.producers.get(output)
  const perm = transposed?.attributes.get('perm')?.ints
  if (transposed?.op !== 'Transpose' || perm?.join() !== '0,2,1') {
    return undefined
  }
  const joined = links.producers.get(transposed.inputs[0] ?? '')
  const axis = joined?.attributes.get('axis')?.int
  if (joined?.op !== 'Concat' || (axis !== 2 && axis !== -1)) {
    return undefined
  }
  const result: Flattened[] = []
  for (const name of joined.inputs) {
    const reshape = links.producers.get(name)
    const [map, shapeName] = reshape?.inputs ?? []
    const shape = folder.values(shapeName ?? '')
    if (reshape?.op !== 'Reshape' || map === undefined || shape?.length !== 3 || shape[1] !== columns) {
      return undefined
    }
    result.push({ reshape, map })
  }
  return result
}
