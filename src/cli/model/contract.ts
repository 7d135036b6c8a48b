import { validateContract } from '../../model/contract-schema.ts'
import { saveFile } from '../../system/save-file.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { evidenceLines, GUESS } from './contract-lines.ts'
import { modelFacts } from './facts.ts'
import { FAMILY_OPTION, MODEL_INPUT } from './options.ts'

const OPTIONS = {
  family: FAMILY_OPTION,
  out: {
    type: 'string',
    says: 'write it there; beside the model as NAME.contract.json it is found by itself',
    group: 'Output',
    value: 'FILE',
    short: 'o',
    own: true,
    completes: 'file',
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'model contract',
  summary: 'Print what is concluded from a file as JSON, to edit and pass back with --contract.',
  about: `Prints the contract that the file leads to, to edit and to give back with --contract. A contract that is
    stored beside the file is not read. Parts that are guesses are named on standard error.`,
  inputs: MODEL_INPUT,
  options: OPTIONS,
  examples: ['boxlet model contract fridge.onnx --out fridge.contract.json'],
  run,
})

/** A stored contract is not read, since a shell may just have emptied it to take this one. */
async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const name = inputs[0]!
  const facts = await modelFacts(
    name,
    io,
    values.family === undefined ? undefined : { family: values.family },
    { ignoreContract: true },
  )
  if (facts.contract === undefined) {
    throw facts.unrecognised
  }
  const contract = validateContract(facts.contract)
  const text = `${JSON.stringify(contract, undefined, 2)}\n`
  if (values.out === undefined) {
    io.stdout.write(text)
  } else {
    await saveFile(values.out, text)
  }
  const guesses =
    facts.contractFrom === 'recognised' ? facts.evidence.filter(({ confidence }) => confidence < GUESS) : []
  if (guesses.length > 0) {
    io.stderr.write(`These parts are guesses; please check them:\n${evidenceLines(guesses).join('\n')}\n`)
  }
  return 0
}
