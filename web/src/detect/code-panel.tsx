import { hasKey, type Options, queryOf } from '../api.ts'
import { Copyable } from '../copyable.tsx'
import { samplesOf } from './code-samples.ts'

interface Props {
  model: string
  isDefault: boolean
  threshold: number
  options: Options
  /** The option of that name; undefined for all. */
  classes: string | undefined
}

/** The same request from elsewhere. */
export function CodePanel({ model, isDefault, threshold, options, classes }: Props) {
  // Quotes and dollars come out as escapes, so that the text can stand in the quotes of a shell and of a language.
  const query = queryOf({ model, minScore: threshold, ...options, classes }).replaceAll('%2C', ',')
  const samples = samplesOf({ origin: location.origin, model, isDefault, threshold, query, hasKey: hasKey() })
  return samples.map(({ title, text, note }) => (
    <Copyable key={title} title={title} text={text} note={note} />
  ))
}
