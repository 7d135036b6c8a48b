import { existsSync } from 'node:fs'
import { BoxletError } from '../../errors.ts'
import { verbOfOtherTools } from './other-tools.ts'
import { didYouMean } from './suggest.ts'
import { type AnyVerb, isGroup, type LoadAnyVerb, leavesOf, type Verb } from './verb.ts'

type Verbs = Readonly<Record<string, LoadAnyVerb>>

/**
 * The verb that the first words name, and the arguments behind it. A group is given back where no second word of
 * it follows.
 *
 * @throws BoxletError USAGE
 */
export async function verbNamed(
  words: readonly string[],
  verbs: Verbs,
): Promise<{ verb: AnyVerb; rest: string[] }> {
  const [first = '', second, ...others] = words
  if (!Object.hasOwn(verbs, first)) {
    const meant = await verbCalled(first, verbs)
    if (meant !== undefined) {
      return { verb: meant, rest: words.slice(1) }
    }
    throw new BoxletError('USAGE', `Expected a verb but received "${first}".`, {
      hint: `${await meantBy(first, words, verbs)}Run "boxlet help" for the list.`,
    })
  }
  const { verb } = await verbs[first]!()
  if (isGroup(verb) && second !== undefined && Object.hasOwn(verb.verbs, second)) {
    return { verb: (await verb.verbs[second]!()).verb, rest: others }
  }
  return { verb, rest: words.slice(1) }
}

/** The verb that other tools give this very name. */
async function verbCalled(word: string, verbs: Verbs): Promise<Verb | undefined> {
  for (const load of Object.values(verbs)) {
    const { verb } = await load()
    if (!isGroup(verb) && verb.takenFor?.includes(word.toLowerCase())) {
      return verb
    }
  }
  return undefined
}

/** @throws BoxletError USAGE, always */
export async function refuseGroup(
  { name, verbs }: Extract<AnyVerb, { verbs: object }>,
  [word]: readonly string[],
): Promise<never> {
  const known = Object.keys(verbs)
  const received = word === undefined ? 'nothing' : `"${word}"`
  throw new BoxletError('USAGE', `Expected ${known.join(', ')} after "${name}" but received ${received}.`, {
    hint: `${await didYouMean(word ?? '', known)}Run "boxlet ${name} --help".`,
  })
}

const PICTURE = /^(-|https?:\/\/.*|.*\.(jpe?g|png|webp|avif|gif|tiff?|heic|bmp))$/i
const MODEL = /\.(onnx|tflite|pt|pth)$/i

/** What a word in the place of a verb may mean, as a sentence with a space behind it, or nothing. */
async function meantBy(word: string, words: readonly string[], verbs: Verbs): Promise<string> {
  if (MODEL.test(word)) {
    return `To look at a model, run "boxlet model inspect ${word}"; to use it, "boxlet detect PICTURE --model ${word}". `
  }
  if (PICTURE.test(word) || word.includes('*') || existsSync(word)) {
    return `To find objects in pictures, run "boxlet detect ${words.join(' ')}". `
  }
  const name = word.toLowerCase()
  for (const load of Object.values(verbs)) {
    const { verb } = await load()
    for (const leaf of await leavesOf(verb)) {
      if (leaf.alsoKnownAs?.includes(name) || (isGroup(verb) && leaf.name.endsWith(` ${name}`))) {
        return `Here it is "boxlet ${leaf.name}". `
      }
    }
  }
  return verbOfOtherTools(name) ?? (await didYouMean(word, Object.keys(verbs)))
}
