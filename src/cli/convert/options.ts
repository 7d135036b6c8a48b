import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options, Settings } from '../kit/option-spec.ts'

export const CONVERT_OPTIONS = {
  out: {
    type: 'string',
    says: 'file to write',
    value: 'FILE',
    short: 'o',
    own: true,
    otherwise: 'the name of the model, ending in .onnx, beside it',
    completes: 'file',
  },
  force: {
    type: 'boolean',
    says: 'overwrite a file that exists, but never the one that is given',
    own: true,
  },
  format: FORMAT_OPTION,
  imgsz: {
    type: 'string',
    says: 'pixels of the picture, 640 or height and width as 384x640',
    group: 'Checkpoints',
    value: 'SIZE',
    own: true,
    otherwise: 'as trained',
  },
  end2end: {
    type: 'boolean',
    says: 'for YOLOv10 and YOLO26: the head whose boxes need no suppression, or the other one',
    group: 'Checkpoints',
    own: true,
    negation: 'both',
    otherwise: 'as the file says',
  },
} as const satisfies Options

export type ConvertSettings = Settings<typeof CONVERT_OPTIONS>
