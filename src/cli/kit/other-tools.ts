/**
 * Words that people bring from other tools. Those with a counterpart stand in the specification of the verb or
 * option that they mean; here are those without one.
 */
import type { Options } from './option-spec.ts'

const FLAGS: Readonly<Record<string, string>> = {
  device: 'Models run on the processor; --threads sets how many of its threads one run takes.',
  gpu: 'Models run on the processor; --threads sets how many of its threads one run takes.',
  half: 'The precision is that of the model file; export one in float16 or int8 instead.',
  imgsz: 'The input size is that of the model; export another size, or use --slice for small objects.',
  'img-size': 'The input size is that of the model; export another size, or use --slice for small objects.',
  batch: 'Pictures run one by one in parallel; there is no batch size to set.',
  'batch-size': 'Pictures run one by one in parallel; there is no batch size to set.',
  quiet: 'Results go to standard output and messages to standard error: 2>/dev/null leaves out messages.',
  verbose: 'BOXLET_DEBUG=1 shows what is behind an error.',
  show: 'Pictures are not opened in a window; --out writes annotated copies.',
  save: 'Pictures are saved where --out says.',
  'save-txt': 'Write label files with --format yolo --out DIR, and --no-draw for them alone.',
  'save-json': 'Write COCO results with --format coco.',
  'save-conf': 'Every format but yolo for training carries the score.',
  'agnostic-nms': 'Boxes suppress others of their class only.',
  augment: 'There is no test-time augmentation; --slice looks more closely.',
  stream: 'Results are printed as they come; --format ndjson gives one JSON object a line.',
}

const VERBS: Readonly<Record<string, string>> = {
  export:
    'Export in the tool that trained the model, to ONNX; "boxlet convert" turns TFLite into ONNX, "boxlet package" builds for AWS Lambda.',
  track: 'Boxlet finds objects in single pictures and does not follow them from one to the next.',
  classify: 'Boxlet finds objects; it does not classify whole pictures.',
  segment: 'Run "boxlet detect" with a model that gives masks.',
  pose: 'Run "boxlet detect" with a model that gives keypoints.',
  login:
    'There is no account. AWS credentials are taken as the AWS tools take them; "boxlet keys" makes keys for a service.',
  config: 'Settings come from options, from BOXLET_ variables and from boxlet.config.json.',
  update: 'Update with npm.',
}

const bare = (word: string): string => word.replace(/^-+/, '').replaceAll('_', '-').toLowerCase()

/** The option that the word names, here or in other tools. */
export function optionCalled(word: string, options: Options): string | undefined {
  const name = bare(word)
  return Object.hasOwn(options, name)
    ? name
    : Object.entries(options).find(([, { alsoKnownAs }]) => alsoKnownAs?.includes(name))?.[0]
}

/** What to do instead of a flag that other tools have, as one sentence with a space behind it. */
export function wordOfOtherTools(flag: string, options: Options): string | undefined {
  const option = optionCalled(flag, options)
  if (option !== undefined) {
    return `Here it is --${option}. `
  }
  const name = bare(flag)
  return Object.hasOwn(FLAGS, name) ? `${FLAGS[name]} ` : undefined
}

/** The same for a verb without a counterpart. */
export const verbOfOtherTools = (word: string): string | undefined =>
  Object.hasOwn(VERBS, word.toLowerCase()) ? `${VERBS[word.toLowerCase()]} ` : undefined
