/** Allowed words of an option: alone, or each with what it means. */
export type Choices = readonly string[] | Readonly<Record<string, string>>

/**
 * One option of a verb. Reading, help, the known settings, "did you mean" and completion come from this. Numbers
 * and words are checked when they are read, so that no verb has to.
 */
export interface OptionSpec {
  type: 'string' | 'boolean' | 'number'
  /** What it does, as a fragment of a sentence. Range, choices and default are added to it in help. */
  says: string
  /** Heading that it stands under in help. */
  group?: string
  /** What stands for its value in help: FILE, N. */
  value?: string
  /** One letter, given with a single dash. */
  short?: string
  /** May be given several times. */
  multiple?: boolean
  /** Other verbs mean something else by this name, so it has no variable and no key at the top of the file. */
  own?: boolean
  choices?: Choices
  /** Inclusive range of a number. */
  min?: number
  max?: number
  integer?: boolean
  /** Taken where the option is left out. */
  default?: string | number | boolean
  /** What happens where it is left out, in words, for what is no fixed value. */
  otherwise?: string
  /** `no`: help names it as `--no-x` alone, since it is on by default; `both`: both forms say something. */
  negation?: 'no' | 'both'
  /** What a shell offers for the value. */
  completes?: 'file' | 'folder' | 'model'
  /** What other tools call it; taken for it. */
  alsoKnownAs?: readonly string[]
}

export type Options = Readonly<Record<string, OptionSpec>>

type Word<C> = C extends readonly (infer W)[] ? W : keyof C & string
type Single<S extends OptionSpec> = S['type'] extends 'boolean'
  ? boolean
  : S['type'] extends 'number'
    ? number
    : S extends { choices: infer C }
      ? Word<C>
      : string
type Value<S extends OptionSpec> = S['multiple'] extends true ? Single<S>[] : Single<S>
type WithDefault<T extends Options> = {
  [K in keyof T]: T[K] extends { default: string | number | boolean } ? K : never
}[keyof T]

/** What is read for the options: those with a default are always there. */
export type Settings<T extends Options> = { [K in WithDefault<T>]: Value<T[K]> } & {
  [K in Exclude<keyof T, WithDefault<T>>]?: Value<T[K]>
}

export const wordsOf = (choices: Choices): string[] =>
  Array.isArray(choices) ? [...choices] : Object.keys(choices)

/** The same options under another heading, for a verb that groups them otherwise. */
export function inGroup<const T extends Options>(group: string, options: T): T {
  return Object.fromEntries(
    Object.entries(options).map(([name, spec]) => [name, { ...spec, group }]),
  ) as unknown as T
}
