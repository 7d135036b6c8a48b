/** Files of other trainers are refused by name, with their maker's way to ONNX. */
import { describe, expect, it } from 'vitest'
import { archive, dict, module, type Ops, tensor, text } from '../../test/support/checkpoint.ts'
import { BoxletError } from '../errors.ts'
import { convertCheckpoint } from './checkpoint.ts'
import { memorySource } from './source.ts'

function refusal(bytes: Uint8Array): BoxletError {
  try {
    convertCheckpoint(memorySource(bytes))
  } catch (error) {
    if (error instanceof BoxletError) {
      return error
    }
    throw error
  }
  throw new Error('Expected a refusal but it was converted.')
}

const one = { x: Float32Array.of(1) }
const weights = (...names: string[]): Ops =>
  dict(...names.map((name) => [text(name), tensor('x', [1])] as const))
const under = (key: string, value: Ops, ...more: string[]): Ops =>
  dict([text(key), value], ...more.map((other) => [text(other), dict()] as const))

describe('weights alone', () => {
  it.each([
    ['MMDetection', under('state_dict', weights('backbone.stem.conv.weight'), 'meta'), 'MMDeploy'],
    ['Detectron2', under('model', weights('backbone.bottom_up.res2.weight')), 'export_model.py'],
    ['RF-DETR', under('model', weights('backbone.0.encoder.weight')), 'rfdetr'],
    ['YOLO-NAS', under('ema_net', weights('backbone.stem.weight')), 'SuperGradients'],
    [
      'D-FINE',
      dict([text('ema'), under('module', weights('decoder.dec_score_head.0.weight'))]),
      'export_onnx.py',
    ],
    [
      'DETR',
      under('model', weights('transformer.encoder.layers.0.norm1.weight', 'class_embed.weight')),
      'torch.onnx',
    ],
    ['torchvision', weights('roi_heads.box_predictor.cls_score.weight'), 'torch.onnx'],
    ['Ultralytics', weights('model.0.conv.weight'), 'best.pt of the training'],
    ['an unknown trainer', weights('trunk.weight'), 'where it was trained'],
  ])('of %s are refused', (_, root, way) => {
    const { code, hint } = refusal(archive(root, one))
    expect(code).toBe('MODEL_UNSUPPORTED')
    expect(hint).toContain(way)
  })
})

describe('a whole network', () => {
  it.each([
    ['yolov6.models.yolo.Model', 'deploy/ONNX/export_onnx.py'],
    ['transformers.models.detr.DetrForObjectDetection', 'optimum-cli'],
    ['super_gradients.training.models.YoloNAS_S', 'SuperGradients'],
    ['mine.Detector', 'where it was trained'],
  ])('of the class %s is refused by name', (type, way) => {
    const { message, hint } = refusal(archive(dict([text('model'), module(type)])))
    expect(message).toContain(type)
    expect(hint).toContain(way)
  })
})
