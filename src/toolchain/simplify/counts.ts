/** What passes did, to be told. */
export interface Counts {
  /** Nodes that became constants. */
  folded: number
  /** Batch norms, scales and shifts that went into a convolution. */
  normed: number
  /** Nodes that handed on what they got. */
  passed: number
  /** Second copies of constants and nodes. */
  duplicates: number
  /** Nodes that no output needs. */
  unused: number
  /** Nodes rewritten for a newer operator set. */
  lifted: number
}

export const noCounts = (): Counts => ({
  folded: 0,
  normed: 0,
  passed: 0,
  duplicates: 0,
  unused: 0,
  lifted: 0,
})
