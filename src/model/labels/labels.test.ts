import { describe, expect, it } from 'vitest'
import { COCO_80, COCO_91 } from './label-sets.ts'
import { parseLabels } from './label-text.ts'
import { fitLabels, metadataLabels, usualLabels } from './labels.ts'

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
  it.each(['', 'LabelName,DisplayName\n', 'id,name\r\n'])(
    'reads the class descriptions of Open Images after the heading %j, the line being the class id',
    (heading) => {
      const end = heading.endsWith('\r\n') ? '\r\n' : '\n'
      const lines = [
        '/m/011k07,Tortoise',
        '/m/0h8n5zk,Kitchen & dining room table',
        '/g/11b_c,"Cup, ""mug"""',
      ]
      expect(parseLabels(heading + lines.join(end) + end, 'class-descriptions-boxable.csv')).toEqual([
        'Tortoise',
        'Kitchen & dining room table',
        'Cup, "mug"',
      ])
    },
  )
  it('keeps a list of names that starts like a heading of class descriptions as a list', () => {
    expect(parseLabels('id,name\ncat')).toEqual(['id,name', 'cat'])
  })
  it.each([
    '/m/011k07,Tortoise\n\n/m/012074,Magpie',
    '/m/011k07,Tortoise\nMagpie',
    '/m/011k07,a,b',
    '/m/0,"a',
  ])('refuses class descriptions with a line it cannot place: %j', (text) => {
    expect(() => parseLabels(text)).toThrowError(expect.objectContaining({ code: 'LABELS_INVALID' }))
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

describe('usualLabels', () => {
  it('gives 601 classes the names of Open Images, each once', () => {
    const labels = usualLabels(601)!.labels
    expect(labels).toHaveLength(601)
    expect(new Set(labels).size).toBe(601)
    expect(labels.every((label) => label !== null && /^[A-Z][A-Za-z& -]+$/.test(label))).toBe(true)
  })
  it.each([
    [1, 'Tortoise'],
    [69, 'Person'],
    [83, 'Vehicle registration plate'],
    [199, 'Salt and pepper shakers'],
    [245, 'Ceiling fan'],
    [300, 'Motorcycle'],
    [404, 'Vehicle'],
    [446, 'Dog'],
    [489, 'Goose'],
    [544, 'Kitchen & dining room table'],
    [571, 'Car'],
    [601, 'Helmet'],
  ])('gives id %i of the Open Images label map the name %s, with and without background', (id, name) => {
    expect(usualLabels(601)!.labels[id - 1]).toBe(name)
    expect(usualLabels(602)!.labels[id]).toBe(name)
  })
  it('puts the background of 602 classes first, as no class', () => {
    const labels = usualLabels(602)!.labels
    expect(labels).toHaveLength(602)
    expect(labels[0]).toBeNull()
  })
  it('gives every caller a list of its own', () => {
    usualLabels(601)!.labels[0] = 'changed'
    expect(usualLabels(601)!.labels[0]).toBe('Tortoise')
  })
  it('guesses nothing for a count that no set has', () => {
    expect(usualLabels(600)).toBeUndefined()
  })
})

describe('labels that would name objects wrongly', () => {
  it.each([
    ['{"RBC": 1, "WBC": 1}', 'two names for class id 1'],
    ['{"0": "RBC", "00": "WBC"}', 'two names for class id 0'],
    ['{"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}', 'share an id'],
    ["item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }", 'two names for class id 1'],
    ['cat\u0007\ndog', 'control characters'],
    ['cat\u001b[2J', 'control characters'],
    ['\u0000\u0001\u0002x\u009f\n\ufffd', 'control characters'],
  ])('refuses %j', (text, received) => {
    expect(() => parseLabels(text)).toThrow(
      expect.objectContaining({ code: 'LABELS_INVALID', message: expect.stringContaining(received) }),
    )
  })
})

describe('metadataLabels under other keys', () => {
  it.each([
    [{ character: 'text\ntitle\nfigure' }, ['text', 'title', 'figure']],
    [{ class_names: 'cat, dog' }, ['cat', 'dog']],
    [{ id2label: '{"0": "cat", "1": "dog"}' }, ['cat', 'dog']],
    [{ classes: '80', labels: '["cat"]' }, ['cat']],
    [{ classes: '80' }, undefined],
    [{ Names: "{0: 'cat'}" }, ['cat']],
  ])('reads %j', (metadata, labels) => {
    expect(metadataLabels(metadata as unknown as Record<string, string>)).toEqual(labels)
  })
})

describe('fitLabels', () => {
  it('drops a background that the head does not count', () => {
    expect(fitLabels([null, 'cat', 'dog'], 2)).toEqual(['cat', 'dog'])
  })
  it('closes the gaps of the 91 ids of COCO for a model of 80 classes', () => {
    expect(fitLabels([...COCO_91], 80)).toEqual([...COCO_80])
  })
  it('keeps gaps for a head that gives ids itself', () => {
    expect(fitLabels([...COCO_91], 0)).toHaveLength(91)
  })
  it('refuses a list of another length', () => {
    expect(() => fitLabels(['cat', null, 'dog'], 4)).toThrow(/4 labels .* received 3/)
  })
  it('takes a name less than columns where one of them is no class', () => {
    expect(fitLabels(['a', 'b', 'c'], 4, 'last')).toEqual(['a', 'b', 'c', null])
    expect(fitLabels(['a', 'b', 'c'], 4, 'first')).toEqual([null, 'a', 'b', 'c'])
    expect(fitLabels([null, 'a', null, 'b'], 3, 'first')).toEqual([null, 'a', 'b'])
    expect(fitLabels(['a', 'b'], 91, 'last')).toHaveLength(91)
    expect(() => fitLabels(['a', 'b'], 4, 'last')).toThrow(/4 labels .* received 2/)
  })
  it('names no class by a number of classes that many own models have', () => {
    expect([usualLabels(20), usualLabels(21)]).toEqual([undefined, undefined])
  })
})

describe('lines with class ids', () => {
  it.each<[string, string, (string | null)[]]>([
    ['two blanks', '0  person\n1  bicycle\n2  wine glass\n', ['person', 'bicycle', 'wine glass']],
    ['gaps, as Coral has them', '0  person\n2  cat\n5  dog\n', ['person', null, 'cat', null, null, 'dog']],
    ['colons', '0: person\r\n1: cat\r\n', ['person', 'cat']],
    ['tabs and commas', '0\tperson\n1,cat\n', ['person', 'cat']],
    ['ids from 1', '1 person\n2 cat\n', [null, 'person', 'cat']],
    ['a background', '0 ???\n1 person\n', [null, 'person']],
  ])('name each class: %s', (_, text, labels) => {
    expect(parseLabels(text)).toEqual(labels)
  })

  it.each<[string, string[]]>([
    ['coins', ['1 euro', '2 euro', '50 cent']],
    ['numbers that do not rise', ['3 wheeler', '2 wheeler']],
    ['numbers that begin elsewhere', ['4 door', '5 door']],
    ['one line without a number', ['0 cat', 'dog']],
    ['numbers alone', ['0', '1', '2']],
  ])('are names where the numbers belong to them: %s', (_, lines) => {
    expect(parseLabels(lines.join('\n'))).toEqual(lines)
  })

  it('fit a head whose ids have the same gaps', () => {
    const text = Array.from({ length: 90 }, (_, id) => (id % 9 === 4 ? [] : [`${id}  thing ${id}`])).flat()
    const labels = parseLabels(text.join('\n'))
    expect(fitLabels(labels, 90)).toHaveLength(90)
    expect(labels[89]).toBe('thing 89')
  })
})
