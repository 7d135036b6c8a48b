import { describe, expect, it } from 'vitest'
import { labelsByCategory, mapLabels, parseRenames, toPredictions } from './label-map.ts'
import { type Switching, switching, switchingText } from './switching.ts'

const categories = (...names: string[]) => names.map((name, i) => ({ id: 10 + i, name }))

describe('mapLabels', () => {
  it('matches names whatever their case, spaces, hyphens and underscores', () => {
    const map = mapLabels(
      ['Traffic_Light', 'wine-glass', 'PERSON'],
      categories('person', 'traffic light', 'Wine Glass'),
    )
    expect([...map.categories].map(([label, { id }]) => [label, id])).toEqual([
      ['Traffic_Light', 11],
      ['wine-glass', 12],
      ['PERSON', 10],
    ])
    expect([map.unusedLabels, map.missingCategories]).toEqual([[], []])
  })

  it('knows the names that COCO and VOC give to one thing', () => {
    const coco = ['airplane', 'motorcycle', 'dining table', 'potted plant', 'couch', 'tv']
    const voc = categories('aeroplane', 'motorbike', 'diningtable', 'pottedplant', 'sofa', 'tvmonitor')
    expect(mapLabels(coco, voc).missingCategories).toEqual([])
  })

  it('tells which labels and classes have no counterpart, and skips ids without a label', () => {
    const map = mapLabels([null, 'cat', 'unicorn'], categories('cat', 'dog'))
    expect(map.unusedLabels).toEqual(['unicorn'])
    expect(map.missingCategories).toEqual(['dog'])
  })

  it('lets the user rename and leave out', () => {
    const map = mapLabels(['cup', 'mug', 'person'], categories('Tasse'), {
      cup: 'Tasse',
      mug: 'Tasse',
      person: null,
    })
    expect(labelsByCategory(map)).toEqual(new Map([[10, ['cup', 'mug']]]))
    expect(map.unusedLabels).toEqual([])
    expect(() => mapLabels(['cup'], categories('Tasse'), { cup: 'Tase' })).toThrow(/"Tase"/)
  })

  it('refuses a model and a set without a common name', () => {
    expect(() => mapLabels(['cup'], categories('Tasse'))).toThrow(/common class names.*cup.*Tasse/)
  })

  it('is not misled by names of object properties', () => {
    const map = mapLabels(
      ['constructor', '__proto__', 'cat'],
      categories('cat'),
      parseRenames('{}', 'map.json'),
    )
    expect(map.unusedLabels).toEqual(['constructor', '__proto__'])
  })
})

describe('parseRenames', () => {
  it.each(['', '[]', '1', '{"a": 1}', 'null'])('refuses %j', (text) => {
    expect(() => parseRenames(text, 'map.json')).toThrow(/map\.json/)
  })
})

describe('toPredictions', () => {
  it('leaves out what the data set cannot judge', () => {
    const image = { id: 7, fileName: 'a.jpg', path: '', width: 9, height: 9 }
    const box = { x1: 1, y1: 2, x2: 4, y2: 8 }
    const timings = { decode: 0, prepare: 0, run: 0, boxes: 0, total: 0 }
    const detections = ['cat', 'unicorn'].map((label, classId) => ({ label, classId, score: 0.5, box }))
    const predictions = toPredictions(
      [{ image, detections, timings, cached: false }],
      mapLabels(['cat', 'unicorn'], categories('cat')),
    )
    expect(predictions).toEqual([
      { imageId: 7, categoryId: 10, box: { x: 1, y: 2, width: 3, height: 6 }, score: 0.5 },
    ])
  })
})

describe('switching', () => {
  const speed = (total: number) => ({
    pictures: 1,
    cached: 0,
    p90Total: total,
    median: { decode: 10, prepare: 5, run: 80, boxes: 5, total },
  })
  const local = { subject: { name: 'fridge', kind: 'model' as const }, speed: speed(100) }
  const cloud = { subject: { name: 'Amazon Rekognition', kind: 'rekognition' as const }, speed: speed(300) }
  const prices = { rekognitionPicture: 0.001, lambdaGbSecond: 0.0000133334, lambdaRequest: 0.0000002 }

  it('compares Rekognition with anything else, in either order', () => {
    const found = switching(local, cloud, prices) as Switching
    // 0.1 s on 1769 MB, and one request.
    expect(found.otherCost).toBeCloseTo(1000 * (0.1 * (1769 / 1024) * 0.0000133334 + 0.0000002), 9)
    expect(found.rekognitionCost).toBe(1)
    expect(found).toEqual(switching(cloud, local, prices))
    expect(switchingText(found)).toMatch(
      /\$1\.00 with Amazon Rekognition and \$0\.0025 with fridge.*saves 99\.7 %/,
    )
  })

  it('says so when it would cost more', () => {
    const cheap = switching(local, cloud, { ...prices, rekognitionPicture: 0.000001 }) as Switching
    expect(switchingText(cheap)).toMatch(/more/)
  })

  it('has nothing to say about two models or two accounts', () => {
    expect(switching(local, local, prices)).toBeUndefined()
    expect(switching(cloud, cloud, prices)).toBeUndefined()
  })
})

describe('classes with one name', () => {
  const twice = [
    { id: 1, name: 'cat' },
    { id: 2, name: 'Cat' },
  ]
  it('are the exact one, unless only the other has objects', () => {
    const chosen = (label: string, objects: [number, number][]) =>
      mapLabels([label], twice, {}, new Map(objects)).categories.get(label)?.id
    expect(chosen('cat', [[1, 3]])).toBe(1)
    expect(chosen('Cat', [[1, 3]])).toBe(1)
    expect(
      chosen('Cat', [
        [1, 3],
        [2, 1],
      ]),
    ).toBe(2)
    expect(chosen('CAT', [[2, 3]])).toBe(2)
    expect(chosen('cat', [])).toBe(1)
  })
  it('are not told as missing where the other is meant', () => {
    expect(mapLabels(['cat'], twice, {}, new Map([[1, 3]])).missingCategories).toEqual([])
    expect(
      mapLabels(
        ['cat'],
        twice,
        {},
        new Map([
          [1, 3],
          [2, 1],
        ]),
      ).missingCategories,
    ).toEqual(['Cat'])
  })
})
