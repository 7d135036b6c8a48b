import { describe, expect, it } from 'vitest'
import { metadataLabels, parseLabels } from './labels.ts'

describe('parseLabels', () => {
  it('reads a class map from class to id, as IceVision writes it, with background as no class', () => {
    expect(parseLabels('{"background": 0, "RBC": 1, "WBC": 2}')).toEqual([null, 'RBC', 'WBC'])
  })
  it('reads a class map from id to class', () => {
    expect(parseLabels('{"0": "cat", "2": "dog"}')).toEqual(['cat', null, 'dog'])
  })
  it('reads one name a line and keeps gaps', () => {
    expect(parseLabels('person\nbicycle\n???\ncar\n', 'labelmap.txt')).toEqual([
      'person',
      'bicycle',
      null,
      'car',
    ])
  })
  it('reads names of a data.yaml as a list and as a map', () => {
    expect(parseLabels('train: a\nnames: [cat, dog]\n', 'data.yaml')).toEqual(['cat', 'dog'])
    expect(parseLabels('nc: 2\nnames:\n  0: cat\n  1: dog\n', 'data.yaml')).toEqual(['cat', 'dog'])
  })
  it('reads COCO categories by their ids', () => {
    expect(parseLabels('{"categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]}')).toEqual([
      null,
      'person',
      null,
      'car',
    ])
  })
  it('reads id2label of a configuration', () => {
    expect(parseLabels('{"model_type": "detr", "id2label": {"0": "N/A", "1": "person"}}')).toEqual([
      null,
      'person',
    ])
  })
  it('reads a TensorFlow label map and prefers display names', () => {
    const text =
      'item {\n  name: "/m/01g317"\n  id: 1\n  display_name: "person"\n}\nitem { id: 3 name: \'car\' }'
    expect(parseLabels(text, 'map.pbtxt')).toEqual([null, 'person', null, 'car'])
  })
  it.each(['', '{"a": "b"}', '[]', '{"names": 5', '{"0": {"x": 1}}', '[["cat"]]', '{"99999999": "far"}'])(
    'refuses %j with one clear error',
    (text) => {
      expect(() => parseLabels(text)).toThrowError(expect.objectContaining({ code: 'LABELS_INVALID' }))
    },
  )
  it('keeps a class named __proto__ as a class', () => {
    expect(parseLabels('{"0": "__proto__", "1": "b"}')).toEqual(['__proto__', 'b'])
    expect(parseLabels('{"__proto__": 0, "b": 1}')).toEqual(['__proto__', 'b'])
  })
})

describe('metadataLabels', () => {
  it('reads the Python dict that Ultralytics writes', () => {
    expect(metadataLabels({ names: `{0: 'person', 1: "men's shoe"}` })).toEqual(['person', "men's shoe"])
  })
  it('gives nothing for metadata that cannot be read', () => {
    expect(metadataLabels({ names: '__import__("os")' })).toBeUndefined()
    expect(metadataLabels({})).toBeUndefined()
  })
})
