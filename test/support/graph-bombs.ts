import type { NodeProto } from 'onnx-buf'
import { file, floats, graph, node, type Parts, sizes, value } from './graph-parts.ts'

/** Nodes in a row, each fed by the one before; the last gives y. */
function chain(count: number, step: (from: string, to: string, at: number) => NodeProto, first = 'x') {
  return Array.from({ length: count }, (_, i) =>
    step(i === 0 ? first : `v${i}`, i === count - 1 ? 'y' : `v${i + 1}`, i),
  )
}

const names = (count: number, prefix = 'n'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const zeros = (count: number): bigint[] => Array(count).fill(0n)
const HUGE = 2 ** 31
const EDGES = 300_000

/** Layers of If, one inside the other. */
function nested(depth: number): Parts {
  let nodes = [node('Relu', ['x'], ['y'])]
  for (let level = 0; level < depth; level++) {
    const branch = graph({ nodes, outputs: [value('y', ['a'])] })
    nodes = [node('If', ['c'], ['y'], { then_branch: branch, else_branch: branch })]
  }
  return { nodes, constants: [sizes('c', [1])] }
}

/**
 * Files that are small, or no larger than an honest model, and would take a reader that believes them for ever or all
 * memory. By what does the harm.
 */
export const GRAPH_BOMBS: Readonly<Record<string, () => Uint8Array>> = {
  'an axis of a slice beyond all axes': () =>
    file({
      nodes: [node('Slice', ['x', 's', 'e', 'a'], ['y'])],
      constants: [sizes('s', [0]), sizes('e', [1]), sizes('a', [2n ** 31n - 1n])],
    }),
  'an axis of a slice before all axes': () =>
    file({ nodes: [node('Slice', ['x'], ['y'], { starts: [0n], ends: [1n], axes: [-(2n ** 40n)] })] }),
  'pads beyond what a size can be, cut afterwards': () =>
    file({
      nodes: [node('Pad', ['x', 'p'], ['padded']), node('Slice', ['padded', 's', 'e', 'a'], ['y'])],
      constants: [sizes('p', [16, 2n ** 63n - 1n, 3, 3]), sizes('s', [0]), sizes('e', [85]), sizes('a', [1])],
    }),
  'gathers that add an axis each time': () =>
    file({ nodes: chain(60, (from, to) => node('Gather', [from, from], [to])) }),
  'axes put in without end': () =>
    file({ nodes: chain(40, (from, to) => node('Unsqueeze', [from], [to], { axes: zeros(65_000) })) }),
  'axes taken out one by one': () =>
    file({ nodes: chain(40, (from, to) => node('Squeeze', [from], [to], { axes: zeros(65_000) })) }),
  'transposes of endless axes': () =>
    file({ nodes: chain(20, (from, to) => node('Transpose', [from], [to], { perm: zeros(65_000) })) }),
  'lists that double': () =>
    file({
      nodes: [
        ...chain(
          40,
          (from, to) => node('Concat', [from, from], [to === 'y' ? 'sizes' : to], { axis: 0n }),
          'c',
        ),
        node('Reshape', ['x', 'sizes'], ['y']),
      ],
      constants: [sizes('c', [1, 2, 3])],
    }),
  'sizes that are squared': () =>
    file({
      nodes: [
        ...chain(90, (from, to) => node('Mul', [from, from], [to === 'y' ? 'sizes' : to]), 'c'),
        node('Reshape', ['x', 'sizes'], ['y']),
      ],
      constants: [sizes('c', [7, 11])],
    }),
  'a table of 2^31 rows': () =>
    file({
      nodes: [
        node('Reshape', ['c', 'shape'], ['table']),
        node('Slice', ['table', 's', 'e', 'a', 'p'], ['turned']),
        node('Transpose', ['turned'], ['other'], { perm: [1n, 0n] }),
        node('Reshape', ['x', 'other'], ['y']),
      ],
      constants: [
        sizes('c', [1, 2]),
        sizes('shape', [HUGE, 1]),
        sizes('s', [-1]),
        sizes('e', [-(2 ** 40)]),
        sizes('a', [0]),
        sizes('p', [-1]),
      ],
    }),
  'a weight of 2^60 values in four bytes': () =>
    file({
      nodes: [node('Conv', ['x', 'w'], ['y'])],
      constants: [floats('w', [1], [2n ** 30n, 2n ** 30n, 1, 1])],
    }),
  'a weight of no values and endless axes': () =>
    file({
      nodes: [node('Conv', ['x', 'w'], ['y'])],
      constants: [floats('w', [], [2n ** 62n, 0, 2n ** 62n])],
    }),
  'a reshape to 2^31 by 2^31': () =>
    file({ nodes: [node('Reshape', ['x', 's'], ['y'])], constants: [sizes('s', [HUGE, HUGE, -1])] }),
  'tiles of tiles': () =>
    file({
      nodes: chain(40, (from, to) => node('Tile', [from, 'r'], [to])),
      constants: [sizes('r', [9, 9, 9, 9])],
    }),
  'an expansion to 2^40': () =>
    file({
      nodes: [node('Expand', ['x', 's'], ['y'])],
      constants: [sizes('s', [2 ** 20, 2 ** 20, 1, 1, 1, 1])],
    }),
  'constants of 2^40 values': () =>
    file({
      nodes: [node('ConstantOfShape', ['s'], ['big']), node('Add', ['x', 'big'], ['y'])],
      constants: [sizes('s', [2 ** 20, 2 ** 20])],
    }),
  'a range to 2^40': () =>
    file({
      nodes: [node('Range', ['a', 'b', 'd'], ['r']), node('Add', ['x', 'r'], ['y'])],
      constants: [sizes('a', [0], []), sizes('b', [2 ** 40], []), sizes('d', [1], [])],
    }),
  'one-hot rows of 2^31': () =>
    file({
      nodes: [node('OneHot', ['x', 'd', 'v'], ['y'])],
      constants: [sizes('d', [HUGE]), floats('v', [0, 1], [2])],
    }),
  'pads of 2^40': () =>
    file({
      nodes: [node('Pad', ['x', 'p'], ['y'])],
      constants: [
        sizes(
          'p',
          names(8).map(() => 2 ** 40),
        ),
      ],
    }),
  'pads below nothing': () =>
    file({
      nodes: chain(50, (from, to) => node('Pad', [from, 'p'], [to])),
      constants: [
        sizes(
          'p',
          names(8).map(() => -(2 ** 40)),
        ),
      ],
    }),
  'a resize by 1e30': () =>
    file({
      nodes: [node('Resize', ['x', '', 's'], ['y'])],
      constants: [floats('s', [1, 1, 1e30, 1e30], [4])],
    }),
  'convolutions with strides of nothing': () =>
    file({
      nodes: chain(50, (from, to) =>
        node('Conv', [from, 'w'], [to], { strides: [0n, 0n], dilations: [-1n, 2n ** 62n] }),
      ),
      constants: [floats('w', Array(27).fill(1), [3, 1, 3, 3])],
    }),
  'convolutions of groups of nothing': () =>
    file({
      nodes: [node('ConvTranspose', ['x', 'w'], ['y'], { group: 0n, strides: [0n] })],
      constants: [floats('w', Array(27).fill(1), [3, 1, 3, 3])],
    }),
  'a split into a quarter of a million': () =>
    file({ nodes: [node('Split', ['x'], ['y', ...names(250_000)])] }),
  'a node that feeds a node, a quarter of a million times, last first': () =>
    file({
      nodes: [node('Many', ['x'], names(250_000)), node('Add', names(250_000).reverse(), ['y'])],
    }),
  'additions of a quarter of a million': () => file({ nodes: [node('Add', Array(EDGES).fill('x'), ['y'])] }),
  'additions of a quarter of a million, in lists of sizes': () =>
    file({
      nodes: [
        node('Concat', Array(EDGES).fill('c'), names(EDGES)),
        node('Concat', names(EDGES), ['z'], { axis: 0n }),
        node('Reshape', ['x', 'z'], ['y']),
      ],
      constants: [
        sizes(
          'c',
          names(64).map((_, i) => i),
        ),
      ],
    }),
  'a picture that everything reads, under the same name': () =>
    file({
      nodes: [
        node('Many', ['x'], Array(EDGES).fill('b')),
        ...names(19_000).map((name) => node('Relu', ['b'], [name])),
        node('Identity', ['b'], ['y']),
      ],
    }),
  'two hundred thousand pictures': () =>
    file({
      nodes: [node('Add', names(190_000), ['y'])],
      inputs: names(190_000).map((name) => value(name, [1, 3, 64, 64])),
    }),
  'outputs that each lead to everything': () =>
    file({
      nodes: names(200)
        .map((name, i) => node(`Op${i}`, names(1_000, 'm'), [name]))
        .concat(names(1_000, 'm').map((name) => node('Relu', ['x'], [name]))),
      outputs: names(200).map((name) => value(name, ['a', 'b'])),
    }),
  'operators without number': () =>
    file({ nodes: chain(19_999, (from, to, i) => node(`Op${i}`, [from], [to])) }),
  'ninety thousand nodes in a row': () =>
    file({ nodes: chain(8_000, (from, to) => node('Add', [from, from], [to])) }),
  'nodes in a row, last first': () =>
    file({ nodes: chain(19_999, (from, to) => node('Add', [from, from], [to])).reverse() }),
  'a circle': () =>
    file({ nodes: [node('Add', ['y', 'z'], ['z']), node('Concat', ['z', 'z'], ['y'], { axis: 0n })] }),
  'a circle of sizes': () =>
    file({
      nodes: [
        node('Concat', ['a', 'b'], ['a'], { axis: 0n }),
        node('Concat', ['a', 'a'], ['b'], { axis: 0n }),
        node('Reshape', ['x', 'b'], ['y']),
      ],
      constants: [sizes('b', [1, 2, 3])],
    }),
  'eight ifs inside each other': () => file(nested(8)),
  'ifs beside each other, as many as may be': () =>
    file({
      nodes: chain(490, (from, to) => {
        const branch = graph({
          nodes: [node('Relu', [from], [`${to}_b`])],
          outputs: [value(`${to}_b`, ['a'])],
        })
        return node('If', ['c'], [to], { then_branch: branch, else_branch: branch })
      }),
      constants: [sizes('c', [1])],
    }),
  'sixteen ifs inside each other': () => file(nested(16)),
  'a loop whose body holds what it makes': () =>
    file({
      nodes: [
        node('Loop', ['', '', 'x'], ['y'], {
          body: graph({
            nodes: [node('Concat', ['v', 'v'], ['o'], { axis: 0n }), node('Identity', ['o'], ['y'])],
            inputs: [value('i', []), value('c', []), value('v', ['a'])],
            outputs: [value('c', []), value('o', ['a'])],
          }),
        }),
      ],
    }),
  'a constant read again and again that is long to read': () => {
    const small = sizes('c', [1])
    small.docString = ''
    small.int32Data = []
    return file({
      nodes: chain(64, (from, to) => node('Add', [from, 'c'], [to])),
      constants: [{ ...small, stringData: Array(2_000_000).fill(new Uint8Array()) }],
    })
  },
  'strings for numbers': () => {
    const text = sizes('c', [])
    return file({
      nodes: [node('Reshape', ['x', 'c'], ['y'])],
      constants: [
        { ...text, dims: [4n], dataType: 8, stringData: names(4).map((name) => Buffer.from(name)) },
      ],
    })
  },
  'weights in another file': () =>
    file({
      nodes: [node('Conv', ['x', 'w'], ['y'])],
      constants: [
        {
          ...floats('w', [], [8, 3, 3, 3]),
          dataLocation: 1,
          externalData: [{ $typeName: 'onnx.StringStringEntryProto', key: 'location', value: '/dev/zero' }],
        },
      ],
    }),
  'a key that pads a thousand others': () =>
    file(
      { nodes: [node('Relu', ['x'], ['y'])] },
      Object.fromEntries([['k'.repeat(3_000_000), ''], ...names(1_000).map((name) => [name, name])]),
    ),
  'names of class beyond number': () =>
    file(
      { nodes: [node('Relu', ['x'], ['y'])] },
      {
        names: `{${names(300_000)
          .map((_, i) => `${i}: 'a'`)
          .join()}}`,
      },
    ),
  'names of class inside each other': () =>
    file({ nodes: [node('Relu', ['x'], ['y'])] }, { names: '['.repeat(1_000_000) }),
  'a picture of a million by a million': () =>
    file({ nodes: [node('Relu', ['x'], ['y'])], inputs: [value('x', [1, 3, 2 ** 20, 2 ** 20])] }),
  'a picture as large as may be': () =>
    file({
      nodes: [node('Reshape', ['x', 's'], ['y'])],
      inputs: [value('x', [1, 3, 9_000, 9_000])],
      constants: [sizes('s', [1, -1, 6])],
    }),
}
