import { BoxletError } from '../../errors.ts'
import { readSettings } from './config.ts'
import type { Options } from './option-spec.ts'
import type { Call, Inputs, Verb } from './verb.ts'

/** Reads and checks a call of a verb against its specification. @throws BoxletError USAGE, CONFIG_INVALID */
export async function readCall<T extends Options>(
  verb: Verb<T>,
  args: string[],
  env: Record<string, string | undefined>,
): Promise<Call<T>> {
  const { values, positionals } = await readSettings(verb, args, env)
  checkInputs(verb, positionals)
  return { values, inputs: positionals }
}

function checkInputs(
  { name, inputs, hint }: Pick<Verb, 'name' | 'inputs' | 'hint'>,
  given: readonly string[],
): void {
  if (inputs === undefined) {
    if (given.length > 0) {
      // A word without an option would be passed over, and a default taken in its place.
      throw usage(`Expected options alone for "boxlet ${name}" but received "${given[0]}".`, hint, name)
    }
    return
  }
  if (given.length < inputs.least || given.length > (inputs.most ?? Number.POSITIVE_INFINITY)) {
    throw usage(
      `Expected ${amount(inputs)} but received ${given.length === 0 ? 'none' : given.length}.`,
      inputs.hint,
      name,
    )
  }
  const wrong = given.find((word) => inputs.choices !== undefined && !inputs.choices.includes(word))
  if (wrong !== undefined) {
    throw usage(`Expected one of ${inputs.choices!.join(', ')} but received "${wrong}".`, inputs.hint, name)
  }
}

function amount({ noun, least, most }: Inputs): string {
  if (most === undefined) {
    return `at least one ${noun}`
  }
  return least === most ? `${least === 1 ? 'one' : least} ${noun}` : `${least} to ${most} of ${noun}`
}

const usage = (message: string, hint: string | undefined, name: string): BoxletError =>
  new BoxletError('USAGE', message, { hint: hint ?? `Run "boxlet ${name} --help" for examples.` })
