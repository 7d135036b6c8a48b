/** What a model of another runtime is, and how to get from there to a file that is read here. */
export interface ForeignFormat {
  name: string
  hint: string
}

const HEAD_BYTES = 4_096

/** Trainers that write each kind, with their own command for an ONNX file. */
const TRAINERS = {
  torch:
    'Export it where it was trained: Ultralytics "yolo export model=FILE format=onnx", YOLOX "python tools/export_onnx.py -n yolox-s -c FILE", RF-DETR "model.export()", torchvision and others "torch.onnx.export(model, picture, \'model.onnx\', opset_version=17)".',
  safetensors:
    'It holds weights without the network. Hugging Face: "optimum-cli export onnx --model OWNER/REPO --task object-detection FOLDER", then give FOLDER/model.onnx.',
  tensorrt:
    'It runs on one kind of graphics card alone and cannot be turned back. Take the ONNX file that it was built from, or export again, e.g. "yolo export model=best.pt format=onnx".',
  coreml:
    'It runs on Apple devices. Export again where it was trained, e.g. "yolo export model=best.pt format=onnx".',
  tensorflow:
    '"pip install tf2onnx", then "python -m tf2onnx.convert --graphdef FILE --output model.onnx --inputs image_tensor:0 --outputs num_detections:0,detection_boxes:0,detection_scores:0,detection_classes:0".',
  keras:
    'In Python: "tf.keras.models.load_model(FILE).export(\'saved\')", then "python -m tf2onnx.convert --saved-model saved --output model.onnx".',
  openvino: 'Take the ONNX file that it was made from, or export again where it was trained.',
  ncnn: 'Take the ONNX or PyTorch file that it was made from, or export again where it was trained.',
  paddle:
    '"pip install paddle2onnx", then "paddle2onnx --model_dir FOLDER --model_filename FILE --params_filename model.pdiparams --save_file model.onnx".',
  rknn: 'It runs on Rockchip chips alone. Take the ONNX file that it was made from.',
  darknet:
    'It holds weights without the network. Export from a project that reads Darknet, e.g. "python tools/demo_darknet2onnx.py yolov4.cfg coco.names FILE picture.jpg 1" of pytorch-YOLOv4.',
} as const

/**
 * A model of another runtime, by its bytes and only then by the end of its name; undefined for anything else.
 * PyTorch checkpoints that Boxlet reads itself never come here.
 *
 * @param name of the file, for formats without a mark
 */
export function foreignFormat(bytes: Uint8Array, name = ''): ForeignFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).toString(
    'latin1',
  )
  const ending = /\.([a-z0-9_]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''
  return byMark(head, bytes, ending) ?? byName(ending)
}

function byMark(head: string, bytes: Uint8Array, ending: string): ForeignFormat | undefined {
  if (head.startsWith('\x89HDF\r\n\x1a\n')) {
    return { name: 'a Keras model or weights (HDF5)', hint: TRAINERS.keras }
  }
  if (isSafetensors(head, bytes)) {
    return { name: 'weights in the safetensors format', hint: TRAINERS.safetensors }
  }
  if (/^(ftrt|ptrt)/.test(head) || isNamedEngine(head, ending)) {
    return { name: 'a TensorRT engine', hint: TRAINERS.tensorrt }
  }
  if (head.startsWith('RKNN')) {
    return { name: 'an RKNN model', hint: TRAINERS.rknn }
  }
  if (head.startsWith('7767517')) {
    return { name: 'an ncnn network description', hint: TRAINERS.ncnn }
  }
  if (/<net[\s>][\s\S]*<layers?>/.test(head)) {
    return { name: 'an OpenVINO network description', hint: TRAINERS.openvino }
  }
  // Pickles of protocol 2 and later, as torch.save wrote them before it made archives.
  if (isPickle(head)) {
    return { name: 'a PyTorch checkpoint', hint: TRAINERS.torch }
  }
  if (head.startsWith('PK\x03\x04')) {
    return archive(bytes, ending)
  }
  return isFrozenGraph(head) ? { name: 'a TensorFlow graph', hint: TRAINERS.tensorflow } : undefined
}

/** What is packed decides: PyTorch and Keras write archives, Core ML packages are zipped to be sent. */
function archive(bytes: Uint8Array, ending: string): ForeignFormat | undefined {
  const names = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (names.includes('/data.pkl') || names.includes('constants.pkl')) {
    return { name: 'a PyTorch checkpoint', hint: TRAINERS.torch }
  }
  if (names.includes('model.weights.h5')) {
    return { name: 'a Keras model', hint: TRAINERS.keras }
  }
  if (names.includes('.mlpackage/') || names.includes('com.apple.CoreML')) {
    return { name: 'a Core ML package', hint: TRAINERS.coreml }
  }
  return byName(ending)
}

/** A length, then JSON of that length, which begins with a brace. */
function isSafetensors(head: string, bytes: Uint8Array): boolean {
  if (bytes.length < 10 || head[8] !== '{') {
    return false
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  return length >= 2n && length <= BigInt(bytes.length - 8) && /"(dtype|__metadata__)"/.test(head)
}

/** Ultralytics puts a length and JSON of metadata before the engine. */
const isNamedEngine = (head: string, ending: string): boolean =>
  (ending === 'engine' || ending === 'trt' || ending === 'plan') && !head.startsWith('PK')

/** Protocol 2 to 5; the magic number of torch.save, or modules that its pickles begin with. */
const isPickle = (head: string): boolean =>
  head[0] === '\x80' &&
  head.charCodeAt(1) >= 2 &&
  head.charCodeAt(1) <= 5 &&
  (head.startsWith('\x8a\x0al\xfc\x9c', 2) || /c(torch|models|collections|numpy)/.test(head.slice(0, 80)))

/** GraphDef: nodes with a name and an operator, of which the first are placeholders and constants. */
const isFrozenGraph = (head: string): boolean =>
  head.startsWith('\n') && (head.includes('\x12\x0bPlaceholder') || head.includes('\x12\x05Const'))

const BY_NAME: Record<string, ForeignFormat> = {
  pt: { name: 'a PyTorch checkpoint', hint: TRAINERS.torch },
  pth: { name: 'a PyTorch checkpoint', hint: TRAINERS.torch },
  ckpt: { name: 'a checkpoint', hint: TRAINERS.torch },
  safetensors: { name: 'weights in the safetensors format', hint: TRAINERS.safetensors },
  engine: { name: 'a TensorRT engine', hint: TRAINERS.tensorrt },
  trt: { name: 'a TensorRT engine', hint: TRAINERS.tensorrt },
  plan: { name: 'a TensorRT engine', hint: TRAINERS.tensorrt },
  mlmodel: { name: 'a Core ML model', hint: TRAINERS.coreml },
  mlpackage: { name: 'a Core ML package', hint: TRAINERS.coreml },
  mlmodelc: { name: 'a Core ML model', hint: TRAINERS.coreml },
  pb: { name: 'a TensorFlow graph', hint: TRAINERS.tensorflow },
  h5: { name: 'a Keras model or weights (HDF5)', hint: TRAINERS.keras },
  hdf5: { name: 'a Keras model or weights (HDF5)', hint: TRAINERS.keras },
  keras: { name: 'a Keras model', hint: TRAINERS.keras },
  pdmodel: { name: 'a Paddle model', hint: TRAINERS.paddle },
  pdiparams: { name: 'weights of a Paddle model', hint: TRAINERS.paddle },
  rknn: { name: 'an RKNN model', hint: TRAINERS.rknn },
  weights: { name: 'Darknet weights', hint: TRAINERS.darknet },
  bin: { name: 'weights without a network', hint: TRAINERS.openvino },
}

const byName = (ending: string): ForeignFormat | undefined =>
  Object.hasOwn(BY_NAME, ending) ? BY_NAME[ending] : undefined
