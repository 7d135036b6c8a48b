import { CONTRACT_OPTIONS } from '../kit/model-options.ts'
import { newModelOptions } from '../kit/new-model.ts'
import type { Options, Settings } from '../kit/option-spec.ts'

const GRAPH = 'Graph'

export const SIMPLIFY_OPTIONS = {
  input: {
    type: 'string',
    says: 'fix a free input to this size, 640 or height and width as 384x640',
    group: GRAPH,
    value: 'SIZE',
    own: true,
    alsoKnownAs: ['input-shape', 'overwrite-input-shape', 'imgsz'],
  },
  dynamic: {
    type: 'boolean',
    says: 'let the input take any size, where nothing in the network holds it',
    group: GRAPH,
    own: true,
  },
  batch: {
    type: 'number',
    says: 'pictures of one run',
    group: GRAPH,
    own: true,
    integer: true,
    min: 1,
    max: 256,
  },
  boxes: {
    type: 'string',
    says: 'decode boxes in the graph, or give the raw maps of a YOLOv8-style head',
    group: GRAPH,
    value: 'B',
    own: true,
    choices: ['raw', 'decoded'],
    otherwise: 'as the file does',
  },
  metadata: {
    type: 'string',
    says: 'an entry for the metadata of the file',
    group: GRAPH,
    value: 'KEY=VALUE',
    own: true,
    multiple: true,
  },
  ...CONTRACT_OPTIONS,
  labels: { ...CONTRACT_OPTIONS.labels, says: 'class names, which the new file then carries' },
  images: {
    type: 'string',
    says: 'folder of pictures on which the outputs are compared',
    group: 'Check',
    value: 'DIR',
    completes: 'folder',
    otherwise: 'three made of a photo that comes with Boxlet',
  },
  ...newModelOptions('simple'),
} as const satisfies Options

export type SimplifySettings = Settings<typeof SIMPLIFY_OPTIONS>
