/** One map of predictions: a cell for each `stride` pixels of the input. */
export interface Level {
  width: number
  height: number
  stride: number
}

/** All cells of all levels, row by row, level by level: the order of the rows in the file's output. */
export interface Grid {
  levels: readonly Level[]
  cells: number
  /** Column and row of each cell in its level. */
  columns: Float32Array
  rows: Float32Array
  strides: Float32Array
}

export function gridOf(levels: readonly Level[]): Grid {
  const cells = levels.reduce((sum, { width, height }) => sum + width * height, 0)
  const grid = {
    levels,
    cells,
    columns: new Float32Array(cells),
    rows: new Float32Array(cells),
    strides: new Float32Array(cells),
  }
  let cell = 0
  for (const { width, height, stride } of levels) {
    for (let i = 0; i < width * height; i++, cell++) {
      grid.columns[cell] = i % width
      grid.rows[cell] = Math.floor(i / width)
      grid.strides[cell] = stride
    }
  }
  return grid
}
