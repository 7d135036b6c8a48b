import { BoxletError } from '../errors.ts'
import type { Contract, Evidence } from '../model/contract.ts'
import { type Labels, MAX_LABELS } from '../model/labels/label-values.ts'
import { fitLabels, metadataLabels, usualLabels } from '../model/labels/labels.ts'
import { licenceOf } from '../model/licence.ts'
import type { ModelSignature, TensorInfo } from '../model/signature.ts'
import type { Recognition } from './family.ts'
import { withFoldedScaling } from './folded-scaling.ts'
import { askFamily, type FamilyFault } from './guard.ts'
import { lookAlike } from './look-alikes.ts'
import { allFamilies, familyNamed } from './registry.ts'

/** Two families closer than this are a question for the user, not a conclusion. */
const NEAR_TIE = 0.1

export interface Rival {
  family: string
  confidence: number
}

export interface RecognisedModel {
  contract: Contract
  evidence: Evidence[]
  /** Other families that could read this file, best first. */
  alternatives: Rival[]
  /** What the family said; `settle` of the family continues from it. */
  recognition: Recognition
}

/**
 * Asks every family whether the file is its own and takes the surest, or the one named.
 *
 * @param name for the contract, usually the file name without its ending
 * @param wanted a family that the user chose; others are then not asked
 * @throws BoxletError MODEL_UNRECOGNISED, naming the inputs and outputs seen
 */
export function recognise(signature: ModelSignature, name: string, wanted?: string): RecognisedModel {
  const asked = wanted === undefined ? allFamilies() : [familyNamed(wanted)]
  const answers = asked.map((family) => askFamily(family, signature))
  const faults = answers.flatMap(({ fault }) => fault ?? [])
  const found = answers
    .map(({ recognition }) => recognition)
    .filter((recognition) => recognition !== undefined)
    // A declared shape costs a hostile file nothing; a label for each of two thousand million classes does.
    .filter(({ contract }) => contract.output.classes <= MAX_LABELS)
    .filter((recognition) => batchFits(recognition, signature) && typesFit(recognition, signature))
    .map((recognition) => withFoldedScaling(recognition, signature))
    .sort((a, b) => b.confidence - a.confidence)
  const sure = wanted === undefined ? found.filter(({ onlyByName }) => onlyByName !== true) : found
  const best = sure[0]
  if (best === undefined) {
    throw found.length === 0 ? unrecognised(signature, faults) : undecided(signature, found)
  }
  const alternatives = sure
    .slice(1)
    .map(({ contract, confidence }) => ({ family: contract.family, confidence }))
  const evidence = [...best.evidence, ...faults.map(passedOver)]
  return conclude(signature, name, { ...best, evidence }, alternatives)
}

/** Outputs that hold whole numbers in the known heads: ids of classes, counts, and what suppression has chosen. */
const WHOLE_ROLES = /^(labels|classes|count|indices)$/
const WHOLE_TYPES: readonly string[] = ['int64', 'uint64', 'int32', 'uint32', 'bool', 'string', 'other']

/** Scores and boxes are no whole numbers: a map of class numbers has the shape of a head at times. */
function typesFit({ contract }: Recognition, { outputs }: ModelSignature): boolean {
  return Object.entries(contract.output.roles).every(([role, name]) => {
    const type = outputs.find((output) => output.name === name)?.type
    return type === undefined || !WHOLE_TYPES.includes(type) || WHOLE_ROLES.test(role)
  })
}

/** The first of three axes and more is that of the batch: 1, or as many pictures as the file takes at a time. */
function batchFits({ contract }: Recognition, { inputs, outputs }: ModelSignature): boolean {
  const { layout, name } = contract.input
  const shape = inputs.find((input) => input.name === name)?.shape
  const pictures = layout === 'NCHW' || layout === 'NHWC' ? shape?.[0] : 1
  const names = Object.values(contract.output.roles)
  return outputs.every((output) => {
    const first = output.shape?.[0]
    const isBatched = names.includes(output.name) && (output.shape?.length ?? 0) > 2
    return !isBatched || typeof first !== 'number' || first === 1 || first === pictures
  })
}

const passedOver = ({ family, message }: FamilyFault): Evidence => ({
  about: `family ${family}`,
  conclusion: 'passed over',
  because: `its recognise failed: ${message}`,
  confidence: 0.3,
})

/** Completes what a family said with what is common to all: labels and licence. */
export function conclude(
  signature: ModelSignature,
  name: string,
  recognition: Recognition,
  alternatives: Rival[],
): RecognisedModel {
  const { labels, evidence: labelEvidence } = chooseLabels(signature, recognition)
  const licence = licenceOf(signature.metadata)
  const licenceEvidence = licence && {
    about: 'licence',
    conclusion: licence.name,
    because: 'the metadata of the file says so',
    confidence: 0.95,
  }
  return {
    contract: { version: 1, name, ...recognition.contract, labels, ...(licence && { licence }) },
    evidence: [
      { about: 'family', ...familyConclusion(recognition, alternatives) },
      ...recognition.evidence,
      labelEvidence,
      ...(licenceEvidence ? [licenceEvidence] : []),
    ],
    alternatives,
    recognition,
  }
}

function familyConclusion(best: Recognition, alternatives: readonly Rival[]): Omit<Evidence, 'about'> {
  const rivals = alternatives.filter(({ confidence }) => best.confidence - confidence < NEAR_TIE)
  const because =
    rivals.length === 0
      ? 'its inputs and outputs fit, and no other family fits as well'
      : `its inputs and outputs fit, but so do those of ${rivals.map(({ family }) => family).join(', ')}: set "family" to choose`
  return {
    conclusion: best.contract.family,
    because,
    confidence: rivals.length === 0 ? best.confidence : Math.min(best.confidence, 0.5),
  }
}

function chooseLabels(
  signature: ModelSignature,
  { contract, labels }: Recognition,
): { labels: Labels; evidence: Evidence } {
  const about = 'labels'
  const named = metadataLabels(signature.metadata)
  const { classes } = contract.output
  if (named !== undefined) {
    const fitted = fittingLabels(named, contract)
    const fits = fitted !== undefined
    return {
      labels: fitted ?? named,
      evidence: {
        about,
        conclusion: `${named.length} labels`,
        because: fits
          ? 'the metadata of the file lists them'
          : `the metadata lists them, though the head has ${classes} classes`,
        confidence: fits ? 0.98 : 0.4,
      },
    }
  }
  if (labels !== undefined) {
    return {
      labels,
      evidence: {
        about,
        conclusion: labels.join(', '),
        because: 'models of this family find nothing else',
        confidence: 0.8,
      },
    }
  }
  const usual = usualLabels(classes)
  if (usual !== undefined) {
    return {
      labels: usual.labels,
      evidence: {
        about,
        conclusion: usual.set,
        because: `the model has ${classes} classes and names none`,
        confidence: 0.6,
      },
    }
  }
  return {
    labels: Array.from({ length: classes }, (_, id) => `class ${id}`),
    evidence: {
      about,
      conclusion: classes === 0 ? 'unknown' : `class 0 to class ${classes - 1}`,
      because: 'the file names no classes; give them with --labels',
      confidence: 0.1,
    },
  }
}

/**
 * The labels for the columns of a contract, without lines that are no class of it.
 *
 * @throws BoxletError LABELS_INVALID
 */
export const labelsFor = (contract: Pick<Contract, 'family' | 'output'>, labels: Labels): Labels =>
  fitLabels(labels, contract.output.classes, familyNamed(contract.family).spareColumn?.(contract))

/** Labels of the file for the columns of its head: without the line for background, or undefined when they do not fit. */
function fittingLabels(named: Labels, contract: Recognition['contract']): Labels | undefined {
  try {
    return labelsFor(contract, named)
  } catch {
    return undefined
  }
}

function unrecognised(signature: ModelSignature, faults: readonly FamilyFault[]): BoxletError {
  const [fault] = faults
  if (fault !== undefined) {
    return new BoxletError(
      'MODEL_UNRECOGNISED',
      `Expected a detector of a known family but family ${fault.family} failed in recognise: ${fault.message}.`,
      { cause: fault.cause, hint: 'Mend the family; no other one takes the file.' },
    )
  }
  const likely = lookAlike(signature)
  return new BoxletError(
    'MODEL_UNRECOGNISED',
    `Expected a detector of a known family but received inputs ${listed(signature.inputs)} and outputs ${listed(signature.outputs)}${likely === undefined ? '' : `: ${likely}`}.`,
    {
      hint:
        likely === undefined
          ? 'Describe the model in a contract and give it with --contract, or register a family for it.'
          : 'Boxlet runs detectors. If it is one all the same, describe it in a contract and give it with --contract.',
    },
  )
}

/** Readings that fit by their shapes alone: taken in silence, each would be wrong for the networks of the others. */
function undecided(signature: ModelSignature, found: readonly Recognition[]): BoxletError {
  const names = found.map(({ contract }) => contract.family)
  const choices = names.map((name) => `--family ${name} (${familyNamed(name).title})`)
  return new BoxletError(
    'MODEL_UNRECOGNISED',
    `Expected a graph that shows what its network is but received outputs ${listed(signature.outputs)}, which ${names.length === 1 ? `${names[0]} could be` : `each of ${names.join(', ')} could be`} and whose last layers tell nothing.`,
    {
      hint: `Name what it was trained as: ${choices.join(', or ')}; then "boxlet model doctor" checks colour and scale.`,
    },
  )
}

const listed = (tensors: readonly TensorInfo[]): string => tensors.slice(0, 12).map(describeTensor).join(', ')

/** `images float32 [1, 3, 640, 640]` */
export function describeTensor(tensor: TensorInfo): string {
  const shape =
    tensor.shape === undefined ? 'of unknown shape' : `[${tensor.shape.map((d) => d ?? '?').join(', ')}]`
  return `${tensor.name} ${tensor.type} ${shape}`
}
