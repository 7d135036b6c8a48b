import type { Candidates } from '../boxes/detection.ts'
import { BoxletError } from '../errors.ts'
import type { Contract } from '../model/contract.ts'
import type { ModelSignature } from '../model/signature.ts'
import { defined } from '../system/defined.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from './family.ts'
import { isForeign } from './foreign.ts'

/** A message of someone else's code is shown in one line of the terminal. */
const MAX_MESSAGE_CHARACTERS = 300

/** What a registered family threw, so that the others can go on. */
export interface FamilyFault {
  family: string
  message: string
  cause: unknown
}

/** Asks one family; a fault of a registered one is handed back, one of Boxlet's own is thrown. */
export function askFamily(
  family: Family,
  signature: ModelSignature,
): { recognition?: Recognition | undefined; fault?: FamilyFault } {
  if (!isForeign(family)) {
    return { recognition: family.recognise(signature) }
  }
  try {
    const recognition = family.recognise(signature)
    if (recognition !== undefined) {
      checkForm(recognition)
    }
    return { recognition }
  } catch (cause) {
    return { fault: { family: family.name, message: messageOf(cause), cause } }
  }
}

/**
 * `family.decode`, with what a registered family throws told as its own.
 *
 * @throws BoxletError MODEL_OUTPUT
 */
export function decodeWith(family: Family, outputs: RoleTensors, context: DecodeContext): Candidates {
  if (!isForeign(family)) {
    return family.decode(outputs, context)
  }
  try {
    const candidates = family.decode(outputs, context)
    if (!(candidates?.boxes instanceof Float32Array)) {
      throw new TypeError('no candidates were returned')
    }
    return candidates
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    throw new BoxletError(
      'MODEL_OUTPUT',
      `Expected boxes from the outputs but family ${family.name} failed in decode: ${messageOf(cause)}.`,
      { cause, hint: 'Mend the family, or name another one in the contract.' },
    )
  }
}

/** A little above 1, for scores that quantization rounded up. */
const LARGEST_SCORE = 1.01
/** Edges of the frame that a box may be wide, and lie beside it: twice what weak guesses of sound heads reach. */
const LARGEST_BOX = 4
/** Weaker guesses of sound models may lie anywhere: an evaluation asks for them down to 0.001. */
const LEAST_TELLING_SCORE = 0.1
/** Fractions of a frame reach a little past 1; no object ends within so few pixels of the corner. */
const FARTHEST_RATIO = 2
/** Share of the candidates that may be no boxes: single rows of sound models are left-overs. */
const IMPOSSIBLE_SHARE = 0.5

/**
 * Stops where candidates show that the file is read as what it is not: scores that are no probabilities, boxes
 * turned inside out, beside the picture or many times as large, or fractions that are taken for pixels. Rows that hold no numbers are left to be dropped.
 *
 * cost    without it a segmentation map is drawn as a crowd at 1,800 %
 * @throws BoxletError MODEL_OUTPUT
 */
export function checkPlausible(candidates: Candidates, { contract, letterbox }: DecodeContext): void {
  const { boxes, scores, count } = candidates
  const frame = candidates.frame === 'image' ? letterbox.image : letterbox.input
  let impossible = 0
  let seen = 0
  let tiny = 0
  for (let row = 0; row < count; row++) {
    const score = scores[row]!
    if (!Number.isFinite(score)) {
      continue
    }
    if (score > LARGEST_SCORE) {
      throw implausible(contract, 'scores from 0 to 1', `a score of ${score.toPrecision(4)}`)
    }
    if (score < LEAST_TELLING_SCORE) {
      continue
    }
    const at = row * 4
    const kind = boxFault(boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!, frame)
    if (kind !== 'unknown') {
      seen++
      tiny += Math.max(boxes[at + 2]!, boxes[at + 3]!) <= FARTHEST_RATIO ? 1 : 0
      impossible += kind === 'impossible' ? 1 : 0
    }
  }
  const { boxUnits, boxCode } = contract.output
  if (tiny > IMPOSSIBLE_SHARE * seen && boxUnits === 'pixels' && boxCode !== 'head') {
    throw implausible(
      contract,
      'boxes in pixels',
      `${tiny} of ${seen} that end within ${FARTHEST_RATIO} pixels of the corner, as fractions do: --set output.boxUnits=ratio`,
    )
  }
  if (impossible > IMPOSSIBLE_SHARE * seen) {
    throw implausible(
      contract,
      `boxes in a frame of ${frame.width}×${frame.height}`,
      `${impossible} of ${seen} that are turned inside out, beside it or many times as large`,
    )
  }
}

function boxFault(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  { width, height }: { width: number; height: number },
): 'none' | 'impossible' | 'unknown' {
  if (!Number.isFinite(x1 + y1 + x2 + y2)) {
    return 'unknown'
  }
  const isInsideOut = x2 < x1 || y2 < y1
  const isHuge = x2 - x1 > LARGEST_BOX * width || y2 - y1 > LARGEST_BOX * height
  const isBeside = x1 > 2 * width || y1 > 2 * height || x2 < -width || y2 < -height
  return isInsideOut || isHuge || isBeside ? 'impossible' : 'none'
}

const implausible = ({ family }: Contract, expected: string, received: string): BoxletError =>
  new BoxletError(
    'MODEL_OUTPUT',
    `Expected ${expected} from a model of family ${family} but received ${received}.`,
    {
      hint: 'The file is another kind of model, or its contract reads it wrongly: "boxlet model doctor" tries the alternatives, "--family" chooses another reading.',
    },
  )

/**
 * Checks the whole contract that a registered family concluded. Contracts of Boxlet's own families are proven by
 * tests, and the schema takes longer to load than they take to conclude.
 *
 * @throws BoxletError CONTRACT_INVALID naming the family and the first place that does not fit
 */
export async function checkConcluded(family: Family, contract: Contract): Promise<void> {
  if (!isForeign(family)) {
    return
  }
  const { validateContract } = await import('../model/contract-schema.ts')
  try {
    validateContract(contract)
  } catch (cause) {
    const { hint, details } = cause as BoxletError
    throw new BoxletError(
      'CONTRACT_INVALID',
      `Expected a contract from family ${family.name} but a part is wrong: ${messageOf(cause)}.`,
      { cause, ...defined({ hint, details }) },
    )
  }
}

/** The parts that ranking and labels read before the whole contract is checked. */
function checkForm({ confidence, contract, evidence }: Recognition): void {
  if (!(confidence >= 0 && confidence <= 1)) {
    throw new TypeError('confidence is not a number from 0 to 1')
  }
  if (!Array.isArray(evidence)) {
    throw new TypeError('evidence is not a list')
  }
  if (typeof contract?.input !== 'object' || !Number.isInteger(contract.output?.classes)) {
    throw new TypeError('the contract has no input, or no whole number for output.classes')
  }
}

function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.split('\n')[0]!.replace(/\.$/, '').slice(0, MAX_MESSAGE_CHARACTERS)
}
