import { describe, expect, it } from 'vitest'
import { toLabels } from './rekognition.ts'
import { KNOWN_CLASSES, labelEntry } from './rekognition-labels.ts'

const detection = (label: string, score: number) => ({
  label,
  classId: 0,
  score,
  box: { x1: -10, y1: 0, x2: 50, y2: 120 },
})

describe('toLabels', () => {
  it('cuts boxes to the picture', () => {
    const [label] = toLabels([detection('cat', 0.5)], { width: 100, height: 100 })
    expect(label?.Instances[0]?.BoundingBox).toEqual({ Left: 0, Top: 0, Width: 0.5, Height: 1 })
  })

  it('groups instances under one label and gives ancestors the best confidence below them', () => {
    const labels = toLabels([detection('dog', 0.9), detection('cat', 0.8), detection('dog', 0.6)], {
      width: 100,
      height: 100,
    })
    expect(labels.find(({ Name }) => Name === 'Dog')?.Instances.map(({ Confidence }) => Confidence)).toEqual([
      90, 60,
    ])
    expect(labels.find(({ Name }) => Name === 'Animal')).toMatchObject({
      Confidence: 90,
      Instances: [],
      Parents: [],
    })
  })

  it('leaves labels outside COCO as the model names them', () => {
    expect(toLabels([detection('RBC', 0.9)], { width: 100, height: 100 })).toMatchObject([
      { Name: 'RBC', Parents: [], Aliases: [], Categories: [] },
    ])
  })

  it('gives nothing for nothing', () => {
    expect(toLabels([], { width: 1, height: 1 })).toEqual([])
  })
})

describe('the table of COCO classes', () => {
  it('has all 80, each with a name and a category of its own spelling', () => {
    expect(KNOWN_CLASSES).toHaveLength(80)
    const names = KNOWN_CLASSES.map((label) => labelEntry(label).name)
    expect(new Set(names).size).toBe(80)
    for (const label of KNOWN_CLASSES) {
      const { name, category, parents, aliases } = labelEntry(label)
      expect(category).not.toBe('')
      for (const text of [name, ...parents, ...aliases]) {
        expect(text).toMatch(/^[A-Z]/)
      }
      expect(parents).not.toContain(name)
    }
  })

  it('knows the spellings of Pascal VOC', () => {
    expect(labelEntry('tvmonitor').name).toBe('TV')
    expect(labelEntry('Aeroplane').name).toBe('Airplane')
  })
})
