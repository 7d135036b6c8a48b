import { describe, expect, it } from 'vitest'
import { helpOf } from './kit/help.ts'
import { type OptionSpec, wordsOf } from './kit/option-spec.ts'
import { isGroup } from './kit/verb.ts'
import { allLeaves, allVerbs, VERBS } from './main.ts'

const verbs = await allVerbs()
const leaves = await allLeaves()
const options = leaves.flatMap((verb) =>
  Object.entries<OptionSpec>(verb.options).map(([name, spec]) => ({ verb: verb.name, name, spec })),
)

describe('the specification of a verb', () => {
  it('is found under its name', async () => {
    for (const [name, load] of Object.entries(VERBS)) {
      const { verb } = await load()
      expect(verb.name).toBe(name)
      for (const [word, below] of isGroup(verb) ? Object.entries(verb.verbs) : []) {
        expect((await below()).verb.name).toBe(`${name} ${word}`)
      }
    }
  })

  it.each(leaves.map((verb) => [verb.name, verb] as const))('%s is complete', (name, verb) => {
    expect(verb.summary).toMatch(/^[A-Z].*\.$/s)
    expect(verb.examples.length).toBeGreaterThan(0)
    for (const example of verb.examples) {
      expect(example).toContain(`boxlet ${name}`)
    }
  })

  it.each(verbs.map((verb) => [verb.name, verb] as const))('%s fits a terminal in help', async (_, verb) => {
    for (const line of (await helpOf(verb)).split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(/^ {2}(\S+=\S+ )?boxlet /.test(line) ? 120 : 100)
    }
  })

  it('uses options in its examples that it has', () => {
    for (const verb of leaves) {
      for (const flag of verb.examples.flatMap((example) =>
        example.startsWith(`boxlet ${verb.name}`) ? [...example.matchAll(/ --(?:no-)?([a-z-]+)/g)] : [],
      )) {
        if (!flag.input.includes('&&')) {
          expect(Object.keys(verb.options), flag.input).toContain(flag[1])
        }
      }
    }
  })
})

describe('an option', () => {
  it.each(options.map((option) => [`${option.verb} --${option.name}`, option] as const))(
    '%s is described',
    (_, { spec }) => {
      const { type, says, choices, min, max, value } = spec
      // A fragment, to which range and default are added.
      expect(says).not.toMatch(/\.$|^$|\bdefault\b/)
      expect(choices === undefined || wordsOf(choices).length > 1).toBe(true)
      expect(type === 'boolean' ? value : 'none').not.toBe('')
      if (spec.default !== undefined) {
        expect(typeof spec.default).toBe(type)
        expect(choices === undefined || wordsOf(choices).includes(String(spec.default))).toBe(true)
      }
      if (type === 'number' && spec.default !== undefined) {
        expect(spec.default).toBeGreaterThanOrEqual(min ?? Number.NEGATIVE_INFINITY)
        expect(spec.default).toBeLessThanOrEqual(max ?? Number.POSITIVE_INFINITY)
      }
    },
  )

  it('means the same in every verb, unless it is the own one of each', () => {
    const shapes = new Map<string, Set<string>>()
    for (const { verb, name, spec } of options) {
      // Format and folder of the one verb that most people set for good.
      if (!spec.own && !(verb === 'detect' && (name === 'format' || name === 'out'))) {
        const { type, multiple = false, choices = [] } = spec
        shapes.set(name, (shapes.get(name) ?? new Set()).add(JSON.stringify([type, multiple, choices])))
      }
    }
    const unlike = [...shapes].filter(([, all]) => all.size > 1).map(([name]) => name)
    // Of serve, --model may be repeated; one name in a variable is right for both.
    expect(unlike).toEqual(['model'])
    for (const name of ['format', 'out']) {
      const shared = options.filter((option) => option.name === name && !option.spec.own)
      expect(shared.map(({ verb }) => verb)).toEqual(['detect'])
    }
  })

  it('is called by one name in other tools, and by no name that the verb has', () => {
    for (const verb of leaves) {
      const entries = Object.entries<OptionSpec>(verb.options)
      const others = entries.flatMap(([, { alsoKnownAs = [] }]) => alsoKnownAs)
      expect(new Set(others).size, verb.name).toBe(others.length)
      for (const name of others) {
        expect(Object.keys(verb.options), verb.name).not.toContain(name)
      }
      const letters = entries.flatMap(([, { short }]) => (short === undefined ? [] : [short]))
      expect(new Set(letters).size, verb.name).toBe(letters.length)
    }
  })
})
