/** One option of a verb. Numbers are checked against their range when they are read, so that no verb has to. */
export interface OptionSpec {
  type: 'string' | 'boolean' | 'number'
  short?: string
  multiple?: boolean
  /** Other verbs mean something else by this name, so it has no variable and no key at the top of the file. */
  own?: boolean
  /** Allowed words for a string. */
  choices?: readonly string[]
  /** Inclusive range for a number. */
  min?: number
  max?: number
  integer?: boolean
}

type Value<S extends OptionSpec> = S['type'] extends 'boolean'
  ? boolean
  : S['type'] extends 'number'
    ? number
    : string
export type Settings<T extends Record<string, OptionSpec>> = {
  [K in keyof T]?: T[K]['multiple'] extends true ? Value<T[K]>[] : Value<T[K]>
}
