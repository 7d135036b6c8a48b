import { GraphPattern, type PatternContext } from '../../onnx/graph/pattern.ts'
import type { OnnxNode } from '../../onnx/model.ts'

/** The raw maps of one stride, as they leave the last convolutions. */
export interface RawLevel {
  stride: number
  /** Value name of the box distributions, [1, 4 · bins, h, w]. */
  boxes: string
  /** Value name of the class logits, [1, classes, h, w]. */
  scores: string
}

export interface RawHead {
  levels: RawLevel[]
  bins: number
  classes: number
}

export interface HeadContext extends PatternContext {
  /** Pixels of the fixed model input. */
  width: number
  height: number
}

/**
 * Recognises the decoding part of a YOLOv8 head and gives the maps it starts from.
 *
 * The whole arithmetic is followed from the output back, constants included: softmax over the bins and the
 * expectation with weights 0 … bins − 1, distances to the sides from the cell centres, centre and size,
 * strides, and sigmoid of the classes. Undefined when any step differs, so that a cut graph with the decoding
 * in `families/yolov8-raw.ts` always computes what the file does.
 *
 * source  ultralytics `nn/modules/head.py` Detect, `utils/tal.py` dist2bbox and make_anchors
 */
export function matchYolov8Head(context: HeadContext, output: string): RawHead | undefined {
  const match = new Matcher(context)
  const [boxes, scores] = match.concat(output, 1, 2)
  const logits = match.input(scores, 'Sigmoid')
  const decoded = match.boxes(boxes)
  if (logits === undefined || decoded === undefined) {
    return undefined
  }
  const parts = match.parts(decoded.distributions, logits)
  if (parts === undefined) {
    return undefined
  }
  const levels = match.levels(parts, decoded.bins)
  if (levels === undefined || !match.gridFits(decoded, levels)) {
    return undefined
  }
  return { levels, bins: decoded.bins, classes: parts.classes }
}

interface Decoded {
  distributions: string
  bins: number
  /** Constant names: cell centres in cells, [.., 2, n]; stride of each cell, [.., n]. */
  anchors: string
  strides: string
}

/** Class and box halves of the head: [box, classes] rows, or both apart already. */
interface Parts {
  classes: number
  /** One name with both, or two. */
  joined?: string
  apart?: { boxes: string; scores: string }
}

class Matcher extends GraphPattern<HeadContext> {
  /** Boxes: (centre, size) · stride, from distances to the four sides. */
  boxes(name: string | undefined): Decoded | undefined {
    const scaled = this.node(name, 'Mul')
    if (scaled === undefined) {
      return undefined
    }
    const [inCells, strides] = this.constantLast(scaled)
    const [centre, size] = this.concat(inCells, 1, 2)
    const halved = this.halved(centre)
    const corners = halved === undefined ? undefined : this.node(halved, 'Add')
    const difference = this.node(size, 'Sub')
    if (strides === undefined || corners === undefined || difference === undefined) {
      return undefined
    }
    const [far, near] = difference.inputs
    if (far === undefined || near === undefined || !sameTwo(corners.inputs, [far, near])) {
      return undefined
    }
    const nearest = this.node(near, 'Sub')
    const farthest = this.node(far, 'Add')
    if (nearest === undefined || farthest === undefined) {
      return undefined
    }
    const [leftTop, anchors] = [nearest.inputs[1], nearest.inputs[0]]
    const [rightBottom, sameAnchors] = this.constantLast(farthest)
    if (anchors === undefined || sameAnchors === undefined || !this.sameConstant(anchors, sameAnchors)) {
      return undefined
    }
    const distances = this.halves(leftTop, rightBottom, [2, 2])
    const expected = this.#expectation(distances)
    return expected === undefined ? undefined : { ...expected, anchors, strides }
  }

  /** [1, 4, n] from the distributions [1, 4 · bins, n]: softmax over the bins and their expectation. */
  #expectation(name: string | undefined): { distributions: string; bins: number } | undefined {
    const { folder } = this.context
    const flat = this.node(name, 'Reshape')
    const convolution = this.node(flat?.inputs[0], 'Conv')
    const split = this.node(this.#softmaxOverBins(convolution?.inputs[0]), 'Reshape')
    if (flat === undefined || convolution === undefined || split === undefined) {
      return undefined
    }
    const weights = this.numbers(convolution.inputs[1] ?? '')
    const bins = weights?.length ?? 0
    if (weights === undefined || bins < 2 || weights.some((weight, index) => weight !== index)) {
      return undefined
    }
    if (convolution.inputs.length > 2 && convolution.inputs[2] !== '') {
      return undefined
    }
    const shape = folder.values(split.inputs[1] ?? '')
    const flatShape = folder.values(flat.inputs[1] ?? '')
    if (shape?.length !== 4 || shape[1] !== 4 || shape[2] !== bins) {
      return undefined
    }
    if (flatShape?.length !== 3 || flatShape[1] !== 4) {
      return undefined
    }
    const distributions = split.inputs[0]
    return distributions === undefined ? undefined : { distributions, bins }
  }

  /**
   * From [1, bins, 4, n] back to [1, 4, bins, n]. Before operator set 13 Softmax takes all axes from its own to
   * the last as one, so exporters put the bins last and turn the result back.
   */
  #softmaxOverBins(name: string | undefined): string | undefined {
    const last = this.node(name, 'Transpose')
    const softmax = this.node(last?.inputs[0] ?? name, 'Softmax')
    const first = this.node(softmax?.inputs[0], 'Transpose')
    const axis = softmax?.attributes.get('axis')?.int
    const perm = (node: OnnxNode | undefined) => node?.attributes.get('perm')?.ints?.join()
    const binsFirst = last === undefined && axis === 1 && perm(first) === '0,2,1,3' && this.#opset() >= 13
    const binsLast = perm(last) === '0,3,2,1' && (axis === 3 || axis === -1) && perm(first) === '0,3,1,2'
    return binsFirst || binsLast ? first?.inputs[0] : undefined
  }

  #opset(): number {
    return this.context.model.opsets.get('ai.onnx') ?? 0
  }

  /** Box and class rows: cut out of one value, or separate. */
  parts(distributions: string, logits: string): Parts | undefined {
    const { folder, links } = this.context
    const split = this.node(logits, 'Split')
    const boxSlice = this.slice(distributions)
    if (split === undefined && boxSlice === undefined) {
      const classes = this.channelsOf(this.#firstMap(logits))
      return classes === undefined ? undefined : { classes, apart: { boxes: distributions, scores: logits } }
    }
    const sizes =
      split === undefined
        ? undefined
        : (split.attributes.get('split')?.ints ?? folder.values(split.inputs[1] ?? ''))
    const boxRows = sizes?.[0] ?? boxSlice?.end
    const joinedName = split?.inputs[0] ?? boxSlice?.from
    const first = this.#firstMap(joinedName)
    const producer = first === undefined ? undefined : links.producers.get(first)
    const [, scoreMap] = producer?.op === 'Concat' ? producer.inputs : []
    const classes = this.channelsOf(scoreMap)
    if (boxRows === undefined || classes === undefined) {
      return undefined
    }
    const joined = this.halves(distributions, logits, [boxRows, classes])
    return joined === undefined ? undefined : { classes, joined }
  }

  /** The map behind the first level of a value that joins all levels. */
  #firstMap(name: string | undefined): string | undefined {
    const joined = this.node(name, 'Concat')
    return this.input(joined?.inputs[0], 'Reshape')
  }

  levels(parts: Parts, bins: number): RawLevel[] | undefined {
    const rows = 4 * bins
    if (parts.apart !== undefined) {
      const boxes = this.#flattened(parts.apart.boxes, rows)
      const scores = this.#flattened(parts.apart.scores, parts.classes)
      if (boxes === undefined || scores === undefined || boxes.length !== scores.length) {
        return undefined
      }
      return this.#checked(
        boxes.map((box, index) => [box, scores[index] as string]),
        rows,
        parts.classes,
      )
    }
    const maps = this.#flattened(parts.joined ?? '', rows + parts.classes)
    const pairs = maps?.map((map) => this.concat(map, 1, 2) as [string, string])
    return pairs === undefined ? undefined : this.#checked(pairs, rows, parts.classes)
  }

  /** The maps [1, rows, h, w] that are flattened to [1, rows, h · w] and joined along the last axis. */
  #flattened(name: string, rows: number): string[] | undefined {
    const joined = this.node(name, 'Concat')
    const axis = joined?.attributes.get('axis')?.int
    if (joined === undefined || (axis !== 2 && axis !== -1)) {
      return undefined
    }
    const maps: string[] = []
    for (const input of joined.inputs) {
      const reshape = this.node(input, 'Reshape')
      const shape = this.context.folder.values(reshape?.inputs[1] ?? '')
      if (reshape?.inputs[0] === undefined || shape?.length !== 3 || shape[1] !== rows) {
        return undefined
      }
      maps.push(reshape.inputs[0])
    }
    return maps
  }

  #checked(pairs: [string, string][], rows: number, classes: number): RawLevel[] | undefined {
    const sound = pairs.every(
      ([boxes, scores]) => this.channelsOf(boxes) === rows && this.channelsOf(scores) === classes,
    )
    return sound ? pairs.map(([boxes, scores], index) => ({ stride: 8 << index, boxes, scores })) : undefined
  }

  /** The constants hold the centres of all cells of strides 8, 16, 32 … in that order, and those strides. */
  gridFits(decoded: Decoded, levels: RawLevel[]): boolean {
    const anchors = this.numbers(decoded.anchors)
    const strides = this.numbers(decoded.strides)
    const { width, height } = this.context
    const cells = levels.reduce((sum, { stride }) => sum + (width / stride) * (height / stride), 0)
    if (anchors?.length !== 2 * cells || strides?.length !== cells) {
      return false
    }
    let at = 0
    for (const { stride } of levels) {
      for (let y = 0; y < height / stride; y++) {
        for (let x = 0; x < width / stride; x++, at++) {
          if (anchors[at] !== x + 0.5 || anchors[cells + at] !== y + 0.5 || strides[at] !== stride) {
            return false
          }
        }
      }
    }
    return true
  }
}

const sameTwo = (a: readonly string[], b: readonly [string, string]): boolean =>
  a.length === 2 && ((a[0] === b[0] && a[1] === b[1]) || (a[0] === b[1] && a[1] === b[0]))
