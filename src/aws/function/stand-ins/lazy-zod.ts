/**
 * Takes the place of zod in the bundle of a function. Building all schemas of the application takes 35 ms of
 * every cold start, while most requests are never checked by any of them. What is written at the top of modules
 * is therefore only noted down here, and built by the real library when the first value is parsed.
 */
type Step = { kind: 'get'; key: string } | { kind: 'call'; args: unknown[] }

const STEPS = Symbol('steps')
/** With these the schema itself is asked for something. */
const REALISING = new Set([
  'parse',
  'safeParse',
  'parseAsync',
  'safeParseAsync',
  'shape',
  '_zod',
  'def',
  '~standard',
])

let load: () => unknown = () => undefined
export const useZod = (loader: () => unknown): void => {
  load = loader
}

function note(steps: readonly Step[]): unknown {
  let built: { value: unknown } | undefined
  const realise = (): unknown => {
    built ??= { value: replay(steps) }
    return built.value
  }
  return new Proxy(() => undefined, {
    get(_target, key) {
      if (key === STEPS) {
        return realise
      }
      if (typeof key === 'symbol') {
        return undefined
      }
      if (!REALISING.has(key)) {
        return note([...steps, { kind: 'get', key }])
      }
      const schema = realise() as Record<string, unknown>
      const member = schema[key]
      return typeof member === 'function' ? member.bind(schema) : member
    },
    apply: (_target, _self, args: unknown[]) => note([...steps, { kind: 'call', args }]),
  })
}

function replay(steps: readonly Step[]): unknown {
  let self: unknown
  let value: unknown = load()
  for (const step of steps) {
    if (step.kind === 'call') {
      value = (value as (...args: unknown[]) => unknown).apply(self, step.args.map(real))
    } else {
      self = value
      value = (value as Record<string, unknown>)[step.key]
    }
  }
  return value
}

/** Notes among arguments, in lists and plain objects too, become what they stand for. */
function real(value: unknown): unknown {
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) {
    const realise = (value as { [STEPS]?: () => unknown })[STEPS]
    if (realise !== undefined) {
      return realise()
    }
  }
  if (Array.isArray(value)) {
    return value.map(real)
  }
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, real(item)]))
  }
  return value
}

export const z = note([])
