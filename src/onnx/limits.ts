/**
 * What the ONNX reader accepts at most. Each limit is far above any published detector and low enough that a
 * hostile file cannot make the reader allocate or work much more than the file is long.
 */

/** A protobuf message cannot be larger, and neither can a buffer on some systems. */
export const MAX_FILE_BYTES = 2 ** 31 - 1

/** Faster R-CNN with everything inside has about 5,000 nodes; subgraphs and functions count too. */
export const MAX_NODES = 100_000

/** One per weight or constant; int8 files have four for each layer. */
export const MAX_INITIALIZERS = 200_000

/** `If` inside `Loop` inside `If` is the deepest that exporters write; ours and the runtime's readers recurse. */
export const MAX_GRAPH_DEPTH = 16

/** Edges of all nodes together; bounds the memory of names and the walks over the graph. */
export const MAX_EDGES = 1_000_000

/** Attributes of one node; LSTM has the most of the standard operators, with eight. */
export const MAX_ATTRIBUTES = 256

/** Values of a list attribute that are kept; longer ones are data and stay in the file. */
export const MAX_LIST_VALUES = 65_536

/** PyTorch scopes reach 300 bytes. */
export const MAX_NAME_BYTES = 4_096

/** Graph inputs include every initializer in files of IR version 3. */
export const MAX_GRAPH_INPUTS = 200_000

/** Three-level heads with landmarks have 15; models with many heads a few dozen. Each is walked back once. */
export const MAX_GRAPH_OUTPUTS = 256

/** The runtime's kernels end at 8 axes. */
export const MAX_RANK = 32

/** Class names of 10,000 classes take about 400 kB. */
export const MAX_METADATA_BYTES = 4 * 2 ** 20
export const MAX_METADATA_ENTRIES = 1_024

/** The default domain, ai.onnx.ml, com.microsoft and a few of the runtime's own. */
export const MAX_OPSETS = 64

/** Steps of all walks from outputs back to weights; a walk that exceeds it ends early and says so. */
export const MAX_WALK_STEPS = 2_000_000
