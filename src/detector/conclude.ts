import { BoxletError } from '../errors.ts'
import { extraInputs } from '../families/heads/describe.ts'
import { inputType, isUltralytics } from '../families/heads/ultralytics.ts'
import { conclude, describeTensor, type RecognisedModel, recognise } from '../families/recognise.ts'
import { familyNamed } from '../families/registry.ts'
import type { Contract } from '../model/contract.ts'
import type { Dimension, ModelSignature, TensorInfo, TensorType } from '../model/signature.ts'
import type { Session } from '../runtime/session.ts'
import { decode, outputsOf, place, prepare, type RunOutputs, run } from './pipeline.ts'
import { guessedPicture, learnedSizes } from './probe.ts'
import type { RgbImage } from './types.ts'

/** From this on a family is sure enough of a file whose rows are final that a run would show nothing. */
const SURE = 0.9

/**
 * What a file is, by what it declares and, where that leaves something open, by one run on a made-up picture. The
 * run fills in axes that are only names, settles what the family could not read off the file, and has to bear out a
 * conclusion that rests on open axes; should it contradict, the next family is tried. Models that leave nothing open
 * cost nothing here.
 *
 * @param wanted a family that the user chose; others are then not asked
 * @param open opens the file as it is
 * @throws BoxletError MODEL_UNRECOGNISED when nothing fits, or the run contradicts all that does
 */
export async function concludeModel(
  signature: ModelSignature,
  name: string,
  wanted: string | undefined,
  open: () => Promise<Session>,
): Promise<RecognisedModel> {
  let session: Session | undefined
  const opened = async () => {
    session ??= await open()
    return session
  }
  try {
    const { known, recognised } = await recogniseAny(signature, name, wanted, opened)
    return await borneOut(known, recognised, known !== signature, opened)
  } finally {
    await session?.release()
  }
}

interface Known {
  known: ModelSignature
  recognised: RecognisedModel
}

/** By what is declared; else by the shapes that a run shows. */
async function recogniseAny(
  signature: ModelSignature,
  name: string,
  wanted: string | undefined,
  opened: () => Promise<Session>,
): Promise<Known> {
  try {
    return { known: signature, recognised: recognise(signature, name, wanted) }
  } catch (error) {
    if (!isUnrecognised(error) || !signature.outputs.some(hasOpenAxes)) {
      throw error
    }
    const learned = await learnShapes(signature, await opened())
    for (const known of learned) {
      try {
        return { known, recognised: withLearned(recognise(known, name, wanted), signature) }
      } catch (cause) {
        if (!isUnrecognised(cause)) {
          throw cause
        }
      }
    }
    throw error
  }
}

const isUnrecognised = (error: unknown): boolean =>
  error instanceof BoxletError && error.code === 'MODEL_UNRECOGNISED'

/** Whether a shape is missing, or has a free axis beside that of the batch. */
const hasOpenAxes = ({ shape }: TensorInfo): boolean =>
  shape === undefined ||
  shape.some((edge, axis) => typeof edge !== 'number' && (axis > 0 || shape.length === 1))

/** The same contract with a word on where the shapes are from; sizes stay free where the file has them so. */
function withLearned(recognised: RecognisedModel, declared: ModelSignature): RecognisedModel {
  return {
    ...recognised,
    evidence: [
      ...recognised.evidence,
      {
        about: 'output',
        conclusion: 'shapes by a run',
        because: `the file names its axes only: ${declared.outputs.slice(0, 3).map(describeTensor).join(', ')}`,
        confidence: 0.95,
      },
    ],
  }
}

/**
 * The signature with the shapes that one run shows: first with the picture's size as the file declares it, then with
 * the size that was fed. Empty when no size runs.
 */
async function learnShapes(signature: ModelSignature, session: Session): Promise<ModelSignature[]> {
  const picture = guessedPicture(signature)
  const extra = picture === undefined ? undefined : extraInputs(picture.signature, picture.input)
  if (picture === undefined || extra === undefined) {
    return []
  }
  const { tensor, layout, channels } = picture.input
  for (const size of learnedSizes(signature, picture.input)) {
    const contract = probeContract(tensor.name, layout, inputType(picture.input), channels, size, extra)
    let ran: RunOutputs
    try {
      ran = await runProbe(contract, session)
    } catch (error) {
      if (error instanceof BoxletError && error.code === 'MODEL_RUN_FAILED') {
        continue
      }
      throw error
    }
    const outputs = signature.outputs.map((output) => withShape(output, ran))
    const sized = sizedShape(layout, size, channels)
    const inputs = (shape: Dimension[]) =>
      picture.signature.inputs.map((input) => (input.name === tensor.name ? { ...input, shape } : input))
    return [
      { ...signature, inputs: inputs([...(tensor.shape ?? sized)]), outputs },
      { ...signature, inputs: inputs(sized), outputs },
    ]
  }
  return []
}

function withShape(output: TensorInfo, { tensors }: RunOutputs): TensorInfo {
  const tensor = tensors.get(output.name)
  if (tensor === undefined) {
    return output
  }
  return { ...output, type: tensor.type as TensorType, shape: [...tensor.dims] }
}

const sizedShape = (
  layout: Contract['input']['layout'],
  { width, height }: { width: number; height: number },
  channels: number,
): Dimension[] =>
  layout === 'NCHW' ? ['batch', channels, height, width] : ['batch', height, width, channels]

/** As much of a contract as feeding a picture takes. */
const probeContract = (
  name: string,
  layout: Contract['input']['layout'],
  dtype: Contract['input']['dtype'],
  channels: 1 | 3,
  size: { width: number; height: number },
  extra: Contract['extraInputs'],
): Contract => ({
  version: 1,
  name: 'probe',
  family: 'probe',
  task: 'detect',
  input: {
    name,
    layout,
    dtype,
    size,
    colour: channels === 1 ? 'grey' : 'RGB',
    mean: [0, 0, 0],
    std: dtype === 'float32' || dtype === 'float16' ? [255, 255, 255] : [1, 1, 1],
    geometry: { fit: 'stretch', align: 'top-left', pad: [0, 0, 0], rounding: 'round', resample: 'bilinear' },
  },
  extraInputs: extra,
  output: {
    roles: {},
    boxCode: 'xyxy',
    boxUnits: 'pixels',
    frame: 'input',
    scoreActivation: 'none',
    classes: 0,
    options: {},
  },
  labels: [],
  thresholds: { score: 0.5 },
  suppression: { kind: 'none', iou: 1, maxDetections: 1 },
})

async function runProbe(contract: Contract, session: Session): Promise<RunOutputs> {
  const picture = probePicture(contract.input.size.width, contract.input.size.height)
  return run({ contract, session }, [prepare(place(picture, contract), contract)])
}

/** Settled and confirmed by a run where the file leaves something open; the next family where it contradicts. */
async function borneOut(
  signature: ModelSignature,
  recognised: RecognisedModel,
  isLearned: boolean,
  opened: () => Promise<Session>,
): Promise<RecognisedModel> {
  const others = recognised.alternatives.map(({ family }) => family)
  let candidate = recognised
  let reason: BoxletError | undefined
  for (;;) {
    try {
      return await checked(signature, candidate, isLearned, opened)
    } catch (error) {
      if (!(error instanceof BoxletError && CONTRADICTIONS.has(error.code))) {
        throw error
      }
      reason ??= error
      const next = others.shift()
      if (next === undefined) {
        throw contradicted(signature, recognised, reason)
      }
      candidate = recognise(signature, recognised.contract.name, next)
    }
  }
}

/** What a run says of a conclusion that does not hold. */
const CONTRADICTIONS = new Set(['MODEL_OUTPUT', 'MODEL_RUN_FAILED'])

async function checked(
  signature: ModelSignature,
  recognised: RecognisedModel,
  isLearned: boolean,
  opened: () => Promise<Session>,
): Promise<RecognisedModel> {
  const { recognition, contract } = recognised
  const family = familyNamed(contract.family)
  const settles = (recognition.unsettled?.length ?? 0) > 0 && family.settle !== undefined
  if (!settles && !isLearned && !restsOnOpenAxes(signature, recognised)) {
    return recognised
  }
  const session = await opened()
  const picture = probePicture(contract.input.size.width, contract.input.size.height)
  const { letterbox, data } = prepare(place(picture, contract), contract)
  const outputs = outputsOf(contract, await run({ contract, session }, [{ letterbox, data }]))
  const concluded = settles
    ? conclude(
        signature,
        contract.name,
        family.settle!(outputs, recognition, letterbox.input),
        recognised.alternatives,
      )
    : recognised
  const criteria = { minScore: contract.thresholds.score, everyClass: false }
  decode(family, concluded.contract, outputs, letterbox, criteria)
  return concluded
}

/** Rows of a grid have to be as many as the decoder reckons; how many final rows there are is open by nature. */
function restsOnOpenAxes(signature: ModelSignature, { contract, recognition }: RecognisedModel): boolean {
  if (contract.suppression.kind === 'none' && recognition.confidence >= SURE) {
    return false
  }
  const names = Object.values(contract.output.roles)
  const roles = signature.outputs.filter(({ name }) => names.includes(name))
  return roles.some(hasOpenAxes) && !isUltralytics(signature)
}

const contradicted = (
  signature: ModelSignature,
  { contract }: RecognisedModel,
  reason: BoxletError,
): BoxletError =>
  new BoxletError(
    'MODEL_UNRECOGNISED',
    `Expected a detector of a known family but received outputs ${signature.outputs.slice(0, 12).map(describeTensor).join(', ')}, which look like ${contract.family} and are not: ${reason.message}`,
    {
      cause: reason,
      hint: 'Describe the model in a contract and give it with --contract, or name its family with --family.',
    },
  )

/**
 * A picture with edges at many scales: blocks of colour that halve in size from left to right. A plain one
 * leaves the scores of a good model so low that their range says nothing.
 */
function probePicture(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const block = 64 >> Math.min(5, Math.floor((x * 6) / width))
      const seed = (Math.floor(x / block) * 73 + Math.floor(y / block) * 151) & 0xff
      data[at++] = seed
      data[at++] = seed * 7
      data[at++] = seed * 13
    }
  }
  return { width, height, data }
}
