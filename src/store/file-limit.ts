/** ONNX files cannot exceed 2 GiB without external data, and neither can one read of a file. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1
