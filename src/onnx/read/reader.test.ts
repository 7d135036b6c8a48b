import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import { readOnnx } from './reader.ts'

describe.skipIf(!hasCorpus)('reading real files', () => {
  const read = (name: string) => readOnnx(corpusBytes(`models/${name}.onnx`))

  it('leaves out inputs that only carry a weight', () => {
    const signature = read('nanodet-m-320')
    expect(signature.inputs).toEqual([{ name: 'input.1', type: 'float32', shape: [1, 3, 320, 320] }])
    expect(signature.outputs.map(({ shape }) => shape)).toContainEqual([1, 1600, 80])
  })

  it('keeps the order of outputs that are named by numbers', () => {
    const names = read('nanodet-m-416-int8-qoperator').outputs.map(({ name }) => name)
    expect(names).toEqual(['792', '814', '836', '795', '817', '839'])
  })

  it('tells named, fixed and unknown axes apart', () => {
    expect(read('yunet-n-dynamic').inputs[0]?.shape).toEqual(['batch', 3, 'height', 'width'])
    expect(read('nms-stage-yolov8').inputs[0]?.shape).toEqual([1, null, null])
  })

  it('gives the metadata, producer and operator sets', () => {
    const signature = read('yolov8n-640-int8-qdq')
    expect(signature.metadata.task).toBe('detect')
    expect(signature.metadata.names).toContain("0: 'person'")
    expect(signature.producer.name).toBe('onnx.quantize')
    expect(read('picodet-s-320').opsets).toEqual({ 'ai.onnx': 11 })
  })

  it('counts the operators of subgraphs', () => {
    const { ops, nodes } = read('retinanet-bccd-320-torchvision')
    expect(ops.If).toBeGreaterThan(0)
    expect(nodes).toBe(Object.values(ops).reduce((sum, count) => sum + count, 0))
    expect(nodes).toBeGreaterThan(1_500)
  })

  it.each([
    ['yolox-nano', 'output', [4, 1, 80, 4, 1, 80, 4, 1, 80]],
    ['yolov8n-640-int8-qdq', 'output0', [64, 64, 64, 80, 80, 80]],
    ['yolov8n-640-int8-dynamic', 'output0', [64, 64, 64, 80, 80, 80]],
    ['yolov5n-640-fp16-weights', 'output', [255, 255, 255]],
    ['nanodet-m-416-int8-qoperator', '792', [112]],
    ['fastestdet-352', '758', [1, 4, 80]],
  ])('walks %s back to its last layers', (name, output, channels) => {
    expect(read(name).tails[output]?.weightedChannels).toEqual(channels)
  })

  it('sees whether a grid is decoded inside', () => {
    expect(read('yolox-nano').tails.output?.hasLargeConstant).toBe(false)
    expect(read('yolov8n-640-int8-qdq').tails.output0?.hasLargeConstant).toBe(true)
  })

  it.each([
    ['yolox-nano', 'none'],
    ['yolov8n-640-int8-dynamic', 'dynamic'],
    ['yolov8n-640-int8-qdq', 'qdq'],
    ['nanodet-m-416-int8-qoperator', 'qoperator'],
    ['yolov5n-640-fp16-weights', 'float16'],
  ])('names how %s is quantized', (name, kind) => {
    expect(read(name).quantization).toBe(kind)
  })

  it('finds normalisation inside the graph, and its absence', () => {
    const inside = read('retinanet-bccd-320-torchvision').stems?.images
    expect(inside?.constants.slice(0, 2).map(({ op }) => op)).toEqual(['Sub', 'Div'])
    expect(inside?.constants[0]?.values[0]).toBeCloseTo(0.485, 5)
    expect(read('yolox-nano').stems?.images?.ops).toEqual(['Slice', 'Concat'])
  })
})
