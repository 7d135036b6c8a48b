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
