/**
 * What the ONNX reader accepts at most. Each limit is far above any published detector and low enough that a
 * hostile file cannot make the reader allocate or work much more than the file is long.
 */

/** A protobuf message cannot be larger, and neither can a buffer on some systems. */
export const MAX_FILE_BYTES = 2 ** 31 - 1

/** Faster R-CNN with everything inside has about 5,000 nodes, those of subgraphs and functions too; the runtime takes the square. */
export const MAX_NODES = 50_000

/** One per weight or constant; int8 files have four for each layer. */
export const MAX_INITIALIZERS = 200_000

/** `If` inside `Loop` inside `If` is the deepest that exporters write; ours and the runtime's readers recurse. */
export const MAX_GRAPH_DEPTH = 8

/** Graphs inside nodes; exporters write a few dozen, and the runtime takes some 70 kB for each. */
export const MAX_SUBGRAPHS = 1_000

/** Edges of all nodes together; bounds the memory of names and the walks over the graph. */
export const MAX_EDGES = 1_000_000

/** Attributes of one node; LSTM has the most of the standard operators, with eight. */
export const MAX_ATTRIBUTES = 256

/** Values of a list attribute that are kept; longer ones are data and stay in the file. */
export const MAX_LIST_VALUES = 65_536

/** Values of all list attributes together; 5,000 nodes with four lists of 8 have 160,000. */
export const MAX_ATTRIBUTE_VALUES = 4_000_000

/** Numbers from which sizes are made, in an attribute or a value: 8 axes with two pads each are 16. */
export const MAX_SIZE_LIST = 64

/** PyTorch scopes reach 300 bytes. */
export const MAX_NAME_BYTES = 4_096

/** Graph inputs include every initializer in files of IR version 3. */
export const MAX_GRAPH_INPUTS = 200_000

/** Those without an initializer. Detectors have one to five; each is followed to the first layers. */
export const MAX_REAL_INPUTS = 256

/** Three-level heads with landmarks have 15; models with many heads a few dozen. Each is walked back once. */
export const MAX_GRAPH_OUTPUTS = 256

/** The runtime's kernels end at 8 axes. */
export const MAX_RANK = 32

/** Fields of a tensor beside its values: name, sizes one by one, place in another file, remarks. */
export const MAX_TENSOR_FIELDS = 256

/** Values of any tensor: 1 GiB as float32, an RGB picture of 9,459 × 9,459. */
export const MAX_ELEMENTS = 2 ** 28

/** Values of any tensor of a model that is run only to learn what it is; YOLOv8x with a fixed batch of 16 has 131 million. */
export const MAX_TRIAL_ELEMENTS = 2 ** 27

/** Values of its inputs, which are copied on their way: a picture of 4,700 × 4,700. */
export const MAX_TRIAL_INPUT = 2 ** 26

/** Nodes of such a model; the runtime takes 3 s of processor time to open as many in a row. */
export const MAX_TRIAL_NODES = 8_000

/** Class names of 10,000 classes take about 400 kB. */
export const MAX_METADATA_BYTES = 4 * 2 ** 20
export const MAX_METADATA_ENTRIES = 1_024

/** Kinds of operators named behind one output; heads have some twenty. */
export const MAX_TAIL_OPS = 256

/** The default domain, ai.onnx.ml, com.microsoft and a few of the runtime's own. */
export const MAX_OPSETS = 64

/** Steps of all walks from outputs back to weights; a walk that exceeds it ends early and says so. */
export const MAX_WALK_STEPS = 2_000_000

/** Sizes read and written while shapes are inferred, which ends then; 5,000 nodes take 100,000. */
export const MAX_SHAPE_STEPS = 4_000_000
