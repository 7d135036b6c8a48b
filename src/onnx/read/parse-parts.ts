import type { Dimension } from '../../model/signature.ts'
import * as limit from '../limits.ts'
import type { OnnxAttribute, OnnxGraph, OnnxTensor, OnnxValue } from '../model.ts'
import { typeName } from '../types.ts'
import { type Cursor, corrupt, tooMuch } from './cursor.ts'

/** What all graphs of one file may use together, and the way down into a subgraph. */
export interface Budget {
  nodes: number
  edges: number
  initializers: number
  /** Values of list attributes. */
  values: number
  graphs: number
  depth: number
  parseGraph(at: Cursor, budget: Budget): OnnxGraph
}

export function parseAttribute(at: Cursor, budget: Budget): [string, OnnxAttribute] {
  let name = ''
  const value: OnnxAttribute = {}
  for (let field = at.field(); field !== 0; field = at.field()) {
    switch (field) {
      case 1:
        name = at.text(limit.MAX_NAME_BYTES, 'attribute name')
        break
      case 2:
        value.float = at.float()
        break
      case 3:
        value.int = at.signed()
        break
      case 4: {
        // The field also holds data of custom operators; only what can be a keyword is kept.
        const { bytes, start, end } = at.message()
        if (end - start <= limit.MAX_NAME_BYTES) {
          value.text = bytes.toString('utf8', start, end)
        }
        break
      }
      case 5:
        value.tensor = parseTensor(at.message())
        break
      case 6:
      case 11:
        value.graphs ??= []
        value.graphs.push(budget.parseGraph(at.message(), budget))
        break
      case 7:
        value.floats ??= []
        repeated(at, 5, value.floats, (from) => from.fixed32())
        break
      case 8:
        value.ints ??= []
        repeated(at, 0, value.ints, (from) => from.varintSigned())
        break
      default:
        at.skip()
    }
  }
  budget.values += (value.floats?.length ?? 0) + (value.ints?.length ?? 0)
  if (budget.values > limit.MAX_ATTRIBUTE_VALUES) {
    throw tooMuch(limit.MAX_ATTRIBUTE_VALUES, 'values of attributes', budget.values)
  }
  return [name, value]
}

/** A repeated number, packed or not; values beyond the limit are read over. */
function repeated(at: Cursor, wire: number, into: number[], read: (from: Cursor) => number): void {
  const keep = (value: number) => {
    if (into.length < limit.MAX_LIST_VALUES) {
      into.push(value)
    }
  }
  if (at.wire === wire) {
    keep(read(at))
    return
  }
  const packed = at.message()
  while (packed.at < packed.end && into.length < limit.MAX_LIST_VALUES) {
    keep(read(packed))
  }
}

/** Of the narrowest types four share a byte; twice that, for what may come. */
const MOST_PER_BYTE = 8

export function parseTensor(at: Cursor): OnnxTensor {
  const tensor: OnnxTensor = {
    name: '',
    range: { start: at.start, end: at.end },
    type: 'other',
    typeCode: 0,
    dims: [],
    elements: 1,
    raw: undefined,
    external: false,
  }
  let fields = 0
  for (let field = at.field(); field !== 0; field = at.field()) {
    fields++
    switch (field) {
      case 1:
        repeated(at, 0, tensor.dims, (from) => from.varintSigned())
        if (tensor.dims.length > limit.MAX_RANK) {
          throw tooMuch(limit.MAX_RANK, 'axes of a tensor', tensor.dims.length)
        }
        break
      case 2:
        tensor.typeCode = at.number()
        break
      case 8:
        tensor.name = at.text(limit.MAX_NAME_BYTES, 'name')
        break
      case 9: {
        const { start, end } = at.message()
        tensor.raw = { start, end }
        break
      }
      case 13:
        tensor.external = true
        at.skip()
        break
      case 14:
        if (at.number() !== 0) {
          tensor.external = true
        }
        break
      default:
        at.skip()
    }
  }
  tensor.type = typeName(tensor.typeCode)
  for (const dim of tensor.dims) {
    if (dim < 0) {
      throw corrupt(`a tensor has the size ${dim}`)
    }
    tensor.elements *= dim
  }
  // Small constants are read again and again, so they must not be long; values may come one a field.
  if (fields > tensor.elements + limit.MAX_TENSOR_FIELDS) {
    throw tooMuch(tensor.elements + limit.MAX_TENSOR_FIELDS, 'fields of a tensor', fields)
  }
  const { start, end } = tensor.range
  if (!tensor.external && tensor.elements > (end - start) * MOST_PER_BYTE) {
    throw corrupt(`a tensor of ${tensor.elements} values has ${end - start} bytes`)
  }
  return tensor
}

export function parseValue(at: Cursor): OnnxValue {
  const value: OnnxValue = {
    name: '',
    range: { start: at.start, end: at.end },
    type: 'other',
    shape: undefined,
  }
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      value.name = at.text(limit.MAX_NAME_BYTES, 'name')
    } else if (field === 2) {
      parseType(at.message(), value)
    } else {
      at.skip()
    }
  }
  return value
}

/** Only tensors are read; sequences, maps and optionals stay 'other'. */
function parseType(at: Cursor, value: OnnxValue): void {
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      parseTensorType(at.message(), value)
    } else {
      at.skip()
    }
  }
}

function parseTensorType(at: Cursor, value: OnnxValue): void {
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      value.type = typeName(at.number())
    } else if (field === 2) {
      value.shape = parseShape(at.message())
    } else {
      at.skip()
    }
  }
}

function parseShape(at: Cursor): Dimension[] {
  const shape: Dimension[] = []
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field !== 1) {
      at.skip()
      continue
    }
    shape.push(parseDimension(at.message()))
    if (shape.length > limit.MAX_RANK) {
      throw tooMuch(limit.MAX_RANK, 'axes of a value', shape.length)
    }
  }
  return shape
}

/** Zero and negative sizes are how older exporters write "any". */
function parseDimension(at: Cursor): Dimension {
  let dimension: Dimension = null
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      const size = at.signed()
      dimension = size > 0 ? size : null
    } else if (field === 2) {
      dimension = at.text(limit.MAX_NAME_BYTES, 'axis name') || null
    } else {
      at.skip()
    }
  }
  return dimension
}
