import type { PreparationStep } from '../preparation.ts'
import { bodyTakesAnySize } from './any-size.ts'

/**
 * Frees the sizes of a file that declares those it was traced with, where its contract says that it takes any and
 * nothing in the network holds it to them. The runtime refuses every other size until then.
 */
export const freeNominalSize: PreparationStep = (at) => {
  const { model, contract, edits } = at
  const { dynamic, layout } = contract.input
  const [input, ...others] = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name))
  const [batch, channels, height, width] = input?.shape ?? []
  if (
    dynamic === undefined ||
    layout !== 'NCHW' ||
    others.length > 0 ||
    input?.name !== contract.input.name
  ) {
    return undefined
  }
  if (batch == null || channels == null || typeof height !== 'number' || typeof width !== 'number') {
    return undefined
  }
  const { outputs } = model.graph
  const areMaps = outputs.every(({ shape }) => shape?.length === 4 && shape[1] != null)
  const names = outputs.map(({ name }) => name)
  if (!areMaps || !bodyTakesAnySize(names, at.links, at.folder)) {
    return undefined
  }
  edits.inputs = [
    { name: input.name, type: input.type as 'float32', shape: ['batch', channels, 'height', 'width'] },
  ]
  edits.outputs = outputs.map(({ name, type, shape }, i) => ({
    name,
    type: type as 'float32',
    shape: ['batch', shape![1]!, `rows${i}`, `columns${i}`],
  }))
  edits.dropValueInfo = true
  return { contract, edit: `The input takes any multiple of ${dynamic.stride}, as it was meant to.` }
}
