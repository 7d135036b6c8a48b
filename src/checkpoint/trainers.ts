import type { BoxletError } from '../errors.ts'
import { quoted, unsupported } from './limits.ts'
import type { PyDict } from './pickle/values.ts'

/** A trainer that keeps weights without their network, by the names in its files, and its own way to ONNX. */
interface Trainer {
  name: string
  holds: (root: PyDict, names: readonly string[]) => boolean
  hint: string
}

const has = (root: PyDict, ...keys: string[]): boolean => keys.every((key) => root.has(key))
const some = (names: readonly string[], pattern: RegExp): boolean => names.some((name) => pattern.test(name))

const TRAINERS: readonly Trainer[] = [
  {
    name: 'MMDetection or another OpenMMLab project',
    holds: (root) => has(root, 'meta', 'state_dict'),
    hint: 'Export it with MMDeploy: "python tools/deploy.py DEPLOY_CONFIG MODEL_CONFIG CHECKPOINT IMAGE --work-dir out".',
  },
  {
    name: 'Detectron2',
    holds: (_, names) => some(names, /^(?:backbone\.bottom_up\.|proposal_generator\.)/),
    hint: 'Export it with "tools/deploy/export_model.py --format onnx" of Detectron2.',
  },
  {
    name: 'RF-DETR',
    holds: (_, names) => some(names, /^(?:backbone\.0\.encoder\.|.*dinov2)/),
    hint: 'Export it where it was trained: "model.export()" of the package rfdetr writes an ONNX file.',
  },
  {
    name: 'YOLO-NAS (SuperGradients)',
    holds: (root) => has(root, 'net') || has(root, 'ema_net'),
    hint: 'Export it where it was trained: "model.export(\'model.onnx\')" of SuperGradients.',
  },
  {
    name: 'D-FINE, DEIM or RT-DETR',
    holds: (_, names) => some(names, /^decoder\.(?:dec_score_head|enc_score_head|denoising_class_embed)/),
    hint: 'Export it with "python tools/deployment/export_onnx.py -c CONFIG -r CHECKPOINT" of its repository.',
  },
  {
    name: 'DETR',
    holds: (_, names) =>
      some(names, /^transformer\.(?:encoder|decoder)\.layers\./) && some(names, /^class_embed\./),
    hint: 'Build the network in Python, load the weights and export it with torch.onnx.export.',
  },
  {
    name: 'torchvision',
    holds: (_, names) =>
      some(names, /^(?:roi_heads\.|rpn\.head\.|head\.(?:classification|regression)_head\.)/),
    hint: 'Build the network in Python, load the weights and export it with torch.onnx.export.',
  },
  {
    name: 'Ultralytics or YOLOv5, saved as state_dict()',
    holds: (_, names) => some(names, /^(?:module\.)?(?:model\.)+\d+\./),
    hint: 'Names and shapes do not say what the layers do. Give the best.pt of the training, or save the model itself: torch.save({"model": model}, "best.pt").',
  },
]

/**
 * What to say of a dictionary without a network.
 *
 * @param weights the tensors in it, by name
 */
export function foreignTrainer(root: PyDict, weights: PyDict | undefined): BoxletError {
  const names = [...(weights?.keys() ?? [])].filter((name) => typeof name === 'string')
  const trainer = TRAINERS.find(({ holds }) => holds(root, names))
  if (trainer !== undefined) {
    return unsupported('a checkpoint with its network', `weights alone, of ${trainer.name}`, trainer.hint)
  }
  const keys = [...root.keys()].filter((key) => typeof key === 'string').slice(0, 5)
  return unsupported(
    'a checkpoint with its network',
    names.length > 0
      ? `${names.length} tensors without one, the first named ${quoted(names[0]!)}`
      : `a dictionary of ${keys.length === 0 ? 'nothing' : keys.map((key) => quoted(String(key))).join(', ')}`,
    'Export the model to ONNX where it was trained, and use that file.',
  )
}
