interface Props {
  /** What it chooses. */
  name: string
  value: string
  onChange(event: { currentTarget: { value: string } }): void
  /** Words for no choice. */
  none: string
  /** Values, with the words for them where these are others. */
  values: readonly (string | readonly [value: string, words: string])[]
}

/** One of some values, or none. */
export function Choice({ name, value, onChange, none, values }: Props) {
  return (
    <label class="field">
      {name}
      <select value={value} onChange={onChange}>
        <option value="">{none}</option>
        {values.map((each) => {
          const [own, words] = typeof each === 'string' ? [each, each] : each
          return (
            <option key={own} value={own}>
              {words}
            </option>
          )
        })}
      </select>
    </label>
  )
}
