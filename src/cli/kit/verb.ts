import type { Readable, Writable } from 'node:stream'
import type { OptionSpec, Options, Settings } from './option-spec.ts'

/** 0 all done, 1 some inputs failed, 2 wrong usage, 3 nothing could be done. */
export type ExitCode = 0 | 1 | 2 | 3

/** What a verb may touch of the process; tests pass their own. */
export interface Io {
  /** Results only. */
  stdout: Writable
  /** Progress and messages. */
  stderr: Writable
  stdin: Readable
  env: Record<string, string | undefined>
  /** Aborted on Ctrl-C: finish what is done, write it, and return. */
  signal: AbortSignal
}

/** What a verb takes besides options. */
export interface Inputs {
  /** As in the usage line: `PICTURE...`. */
  usage: string
  /** As in "Expected one TFLite file". */
  noun: string
  /** Fewest and most that are taken; no `most` for any number. */
  least: number
  most?: number
  /** Allowed words. */
  choices?: readonly string[]
  /** What to do where the number or a word is wrong. */
  hint?: string
  completes?: 'file' | 'folder' | 'model'
  /** Options that other tools name them by; taken as such: `source=photo.jpg`. */
  alsoKnownAs?: readonly string[]
}

/** What of a call a verb works on, checked against its specification. */
export interface Call<T extends Options> {
  values: Settings<T>
  inputs: string[]
}

/** One verb of the command line, in a file or folder of its own. A verb prints; the work is done elsewhere. */
export interface Verb<T extends Options = Options> {
  /** Of a verb below another, such as `model pull`, both words. */
  name: string
  /** One line for the overview. */
  summary: string
  /** Paragraphs that follow the usage line in help, split by empty lines. */
  about?: string
  /** Undefined for a verb that takes options alone. */
  inputs?: Inputs
  /** What to do where a word was given to a verb that takes options alone. */
  hint?: string
  options: T
  /** What the exit codes mean, as one line. */
  exits?: string
  /** Whole calls, without the leading prompt. */
  examples: readonly string[]
  /** What other tools call exactly this; taken in its place. */
  takenFor?: readonly string[]
  /** What other tools call something like it; answered with this name. */
  alsoKnownAs?: readonly string[]
  /** @throws BoxletError for anything that a person should read */
  run(call: Call<T>, io: Io): Promise<ExitCode>
}

/** Verbs under one word, such as `model`. */
export interface VerbGroup {
  name: string
  summary: string
  about?: string
  /** By their second word, in the order of help. */
  verbs: Readonly<Record<string, LoadVerb>>
  examples: readonly string[]
}

export type AnyVerb = Verb | VerbGroup
/** Loads on demand, so that no verb pays for another's imports. */
export type LoadVerb = () => Promise<{ verb: Verb }>

export type LoadAnyVerb = () => Promise<{ verb: AnyVerb }>

export const isGroup = (verb: AnyVerb): verb is VerbGroup => 'verbs' in verb

/** Keeps the types of the options for `run`. */
export const defineVerb = <const T extends Readonly<Record<string, OptionSpec>>>(verb: Verb<T>): Verb =>
  verb as unknown as Verb

/** A verb, or all verbs of a group. */
export const leavesOf = async (verb: AnyVerb): Promise<Verb[]> =>
  isGroup(verb) ? Promise.all(Object.values(verb.verbs).map(async (load) => (await load()).verb)) : [verb]
