import { basename } from 'node:path'
import type { CheckpointFacts } from '../../checkpoint/facts.ts'
import { BoxletError } from '../../errors.ts'
import type { ModelSignature } from '../../model/signature.ts'
import { oneLine } from '../../system/printable.ts'
import { alignColumns } from '../../system/words.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { checkpointFacts, checkpointRows } from './checkpoint-facts.ts'
import { contractLines } from './contract-lines.ts'
import { type ModelFacts, type ModelWork, modelFacts, preparationOf, workOf } from './facts.ts'
import { FAMILY_OPTION, MODEL_INPUT } from './options.ts'

const OPTIONS = {
  family: FAMILY_OPTION,
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'model inspect',
  summary: 'Show what a file says about itself, what is concluded from it, and why.',
  inputs: MODEL_INPUT,
  options: OPTIONS,
  examples: ['boxlet model inspect fridge.onnx', 'boxlet model inspect yolov8n --format json'],
  alsoKnownAs: ['info', 'summary', 'describe'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const name = inputs[0]!
  const checkpoint = await checkpointFacts(name)
  const parts = values.family === undefined ? undefined : { family: values.family }
  const facts = await modelFacts(name, io, parts).catch((error: unknown) => {
    if (checkpoint !== undefined && error instanceof BoxletError && error.code === 'MODEL_UNSUPPORTED') {
      return error
    }
    throw error
  })
  if (facts instanceof BoxletError) {
    io.stdout.write(unconvertible(name, checkpoint!, facts, values.format === 'json'))
    return 0
  }
  const [work, preparation] = [await workOf(facts), await preparationOf(facts)]
  io.stdout.write(
    values.format === 'json'
      ? `${JSON.stringify({ ...asJson(facts, work, preparation), checkpoint: checkpoint ?? null }, undefined, 2)}\n`
      : `${checkpoint === undefined ? '' : checkpointText(name, checkpoint)}${asText(facts, work, preparation)}`,
  )
  return 0
}

/** A checkpoint that has no ONNX form can still be looked at. */
function unconvertible(name: string, checkpoint: CheckpointFacts, error: BoxletError, json: boolean): string {
  return json
    ? `${JSON.stringify({ name, checkpoint, contract: null, unrecognised: error.toJSON() }, undefined, 2)}\n`
    : `${checkpointText(name, checkpoint)}${error.message}\n${error.hint ?? ''}\n`
}

const checkpointText = (name: string, checkpoint: CheckpointFacts): string =>
  `${[`${basename(name)}: PyTorch checkpoint`, '', ...aligned(checkpointRows(checkpoint)), ''].join('\n')}\n`

function asJson(facts: ModelFacts, work: ModelWork, preparation: string[]): object {
  const { signature, resolved, contract, licence } = facts
  return {
    name: resolved.name,
    sha256: resolved.sha256,
    bytes: signature.bytes,
    format: signature.format,
    producer: signature.producer,
    opsets: signature.opsets,
    nodes: signature.nodes ?? null,
    ops: signature.ops,
    parameters: signature.parameters,
    work: { ...work, flops: 2 * work.macs },
    quantization: signature.quantization ?? null,
    licence: licence === undefined ? null : { ...licence.licence, from: licence.from },
    inputs: signature.inputs,
    outputs: signature.outputs,
    tails: signature.tails,
    suppression: signature.suppression ?? [],
    metadata: signature.metadata,
    contract: contract ?? null,
    contractFrom: contract === undefined ? null : facts.contractFrom,
    evidence: facts.evidence,
    alternatives: facts.alternatives,
    unrecognised: facts.unrecognised?.toJSON() ?? null,
    preparation,
  }
}

function asText(facts: ModelFacts, work: ModelWork, preparation: string[]): string {
  const { signature, resolved, licence } = facts
  const { producer } = signature
  const made = producer.name === '' ? '' : `, written by ${`${producer.name} ${producer.version}`.trim()}`
  const lines = [
    `${resolved.name}: ${signature.format === 'onnx' ? 'ONNX' : 'TFLite'}, ${megabytes(signature.bytes)}${made}`,
    '',
    ...aligned([
      ['parameters', count(signature.parameters)],
      ['work', workText(work)],
      ['quantization', QUANTIZATION[signature.quantization ?? 'none']],
      [
        'licence',
        licence === undefined
          ? 'not stated in the file'
          : `${licence.licence.name} (${licence.licence.class}), says ${licence.from}`,
      ],
      ['operators', operators(signature)],
      ['', topOps(signature.ops)],
    ]),
    '',
    'Inputs',
    ...aligned(signature.inputs.map(({ name, type, shape }) => [name, type, shapeText(shape)])),
    'Outputs',
    ...aligned(
      signature.outputs.map(({ name, type, shape }) => [
        name,
        type,
        shapeText(shape),
        tailText(signature, name),
      ]),
    ),
    ...suppressionLines(signature),
    ...metadataLines(signature.metadata),
    '',
    ...contractLines(facts),
    ...(preparation.length === 0 ? [] : ['', 'Before it runs', ...preparation.map((edit) => `  ${edit}`)]),
  ]
  return `${lines.map((line) => oneLine(line).trimEnd()).join('\n')}\n`
}

const QUANTIZATION: Record<NonNullable<ModelSignature['quantization']>, string> = {
  none: 'none',
  dynamic: 'int8, activations quantized as they come (dynamic)',
  qdq: 'int8 with fixed ranges (QDQ)',
  qoperator: 'int8 with fixed ranges (integer operators)',
  'int8-weights': 'int8 weights, computed in float32',
  'float16-weights': 'float16 weights, computed in float32',
  float16: 'float16',
}

function workText(work: ModelWork): string {
  const sizes = Object.values(work.inputs).map((input) => input.join('×'))
  const missing =
    work.uncounted === 0
      ? ''
      : `; ${work.uncounted} of ${work.uncounted + work.counted} layers are not in it, as their sizes are known only in a run`
  if (work.counted === 0) {
    return work.uncounted === 0 ? 'no convolutions or matrix products' : 'known only in a run'
  }
  return `${flops(2 * work.macs)} for ${sizes.join(' and ')}${missing}`
}

const flops = (count: number): string =>
  count >= 1e8 ? `${significant(count / 1e9)} GFLOPs` : `${significant(count / 1e6)} MFLOPs`

function operators({ opsets, nodes }: ModelSignature): string {
  const sets = Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`)
  return [nodes === undefined ? '' : `${nodes} nodes`, sets.length === 0 ? '' : `opset ${sets.join(', ')}`]
    .filter((part) => part !== '')
    .join(', ')
}

/** The most frequent say what kind of network it is; the rest is in the JSON. */
const TOP_OPS = 8

function topOps(ops: Record<string, number>): string {
  const sorted = Object.entries(ops).sort(([, a], [, b]) => b - a)
  const rest = sorted.length - TOP_OPS
  const top = sorted.slice(0, TOP_OPS).map(([op, times]) => `${op} ${times}`)
  return `${top.join(', ')}${rest > 0 ? `, and ${rest} more kinds` : ''}`
}

/** Layers listed at most; torchvision heads have dozens. */
const TAIL_LAYERS = 9

function tailText({ tails }: ModelSignature, output: string): string {
  const tail = tails[output]
  if (tail === undefined || tail.weightedChannels.length === 0) {
    return ''
  }
  const shown = tail.weightedChannels.slice(0, TAIL_LAYERS).join(', ')
  const channels = tail.weightedChannels.length > TAIL_LAYERS ? `${shown}, …` : shown
  return `after layers of ${channels} channels${tail.hasLargeConstant ? ' and a grid' : ''}`
}

function suppressionLines({ suppression = [] }: ModelSignature): string[] {
  return suppression.map(({ op, iou, score }) => {
    const settings = [
      iou === undefined ? '' : `IoU ${significant(iou)}`,
      score === undefined ? '' : `score ${significant(score)}`,
    ]
    const said = settings.filter((part) => part !== '').join(', ')
    return `Suppression inside: ${op}${said === '' ? '' : ` at ${said}`}`
  })
}

/** Metadata values are cut: class names of some models fill pages. */
const METADATA_CHARACTERS = 90

function metadataLines(metadata: Record<string, string>): string[] {
  const entries = Object.entries(metadata)
  if (entries.length === 0) {
    return []
  }
  const cut = (value: string) => {
    const line = value.replace(/\s+/g, ' ')
    return line.length > METADATA_CHARACTERS ? `${line.slice(0, METADATA_CHARACTERS)}…` : line
  }
  return ['Metadata', ...aligned(entries.map(([key, value]) => [key, cut(value)]))]
}

/** Rows of cells, set in by two. */
const aligned = (rows: readonly (readonly string[])[]): string[] =>
  alignColumns(rows).map((line) => `  ${line}`)

const shapeText = (shape: readonly (number | string | null)[] | undefined): string =>
  shape === undefined ? 'any shape' : `[${shape.map((size) => size ?? '?').join(', ')}]`

const megabytes = (bytes: number): string => `${significant(bytes / 1e6)} MB`

function count(value: number): string {
  if (value >= 1e6) {
    return `${significant(value / 1e6)} million`
  }
  return value >= 1e3 ? `${significant(value / 1e3)} thousand` : String(value)
}

/** Three figures, without an exponent for the sizes that occur. */
const significant = (value: number): string =>
  value >= 100 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString()
