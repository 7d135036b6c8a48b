"""Makes the stored outputs of LiteRT that the tests of src/model/tflite compare with.

    pip install ai-edge-litert==2.3.0 numpy==2.4.6 pillow==13.0.0
    python test/python/tflite_goldens.py operators
    python test/python/tflite_goldens.py corpus FOLDER_OF_THE_CORPUS
    python test/python/tflite_goldens.py kernels FOLDER_OF_THE_CORPUS

`operators` writes src/model/tflite/operators.golden.json: small graphs with their inputs and outputs.
`corpus` writes src/model/tflite/corpus.golden.json: parts of the outputs of the corpus' models on one picture.
`kernels` prints how far LiteRT's two sets of kernels are apart on that picture, a measure of what "the same" can mean.
"""

import base64
import copy
import glob
import json
import os
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDENS = os.path.join(HERE, "../../src/model/tflite")
PICTURE = "images/formats/png-rgb8.png"
SAMPLES = 1499  # at most, of each output
BEST_ROWS = 8
# Columns that hold the score by which the best rows of a head are chosen.
SCORE_COLUMNS = {"yolo26n": (4, 5), "yolov8n-face": (4, 5), "yolov8n-224": (4, 84), "yolov5n": (4, 5), "yolox": (4, 5)}


def numbers(values):
    return [float(f"{value:.7g}") for value in np.asarray(values, np.float64).ravel()]


def run(model, feeds, kernels=OpResolverType.AUTO):
    interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    for detail, feed in zip(interpreter.get_input_details(), feeds):
        interpreter.set_tensor(detail["index"], feed)
    interpreter.invoke()
    outputs = []
    for detail in interpreter.get_output_details():
        values = interpreter.get_tensor(detail["index"])
        scale, zero = detail["quantization"]
        step = float(scale) if values.dtype.kind in "iu" and scale else 0.0
        real = (values.astype(np.float64) - zero) * scale if step else values.astype(np.float64)
        outputs.append((detail["name"], real, step))
    return outputs


def operators():
    from tflite_graphs import CASES, REFUSED

    goldens = []
    for build in CASES:
        graph, model = build()
        try:
            outputs = run(model, graph.feeds)
        except (RuntimeError, ValueError) as error:
            print("left out:", graph.name, str(error).splitlines()[0][:160])
            continue
        goldens.append({
            "name": graph.name,
            "model": base64.b64encode(model).decode(),
            "inputs": [numbers(feed) for feed in graph.feeds],
            "outputs": [{"shape": list(o.shape), "step": numbers([s])[0], "values": numbers(o)} for _, o, s in outputs],
        })
    for build in REFUSED:
        graph, model, message = build()
        goldens.append({"name": graph.name, "model": base64.b64encode(model).decode(), "refused": message})
    write("operators.golden.json", goldens)
    print(len(goldens), "graphs")


def widened(model):
    """The same model with its 8-bit weights as floats, since LiteRT rounds activations beside such weights."""
    m = tfl.ModelT.InitFromPackedBuf(model)
    graph = m.subgraphs[0]
    if any(t.type in (tfl.TensorType.INT8, tfl.TensorType.UINT8) and m.buffers[t.buffer].data is None for t in graph.tensors):
        return None
    changed = False
    for t in graph.tensors:
        if t.type != tfl.TensorType.INT8 or t.quantization is None or t.quantization.scale is None:
            continue
        shape = [1] * len(t.shape)
        if len(t.quantization.scale) > 1:
            shape[t.quantization.quantizedDimension] = -1
        codes = np.frombuffer(bytes(m.buffers[t.buffer].data), np.int8).reshape(t.shape).astype(np.float32)
        zero = np.asarray(t.quantization.zeroPoint, np.float32).reshape(shape)
        real = (codes - zero) * np.asarray(t.quantization.scale, np.float32).reshape(shape)
        buffer = copy.copy(m.buffers[t.buffer])
        buffer.data = np.frombuffer(real.astype(np.float32).tobytes(), np.uint8)
        m.buffers.append(buffer)
        t.buffer, t.type, t.quantization, changed = len(m.buffers) - 1, tfl.TensorType.FLOAT32, None, True
    if not changed:
        return None
    builder = flatbuffers.Builder(1 << 24)
    builder.Finish(m.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def prepared(detail, pixels, name):
    """Nearest pixels, so that every language gets the same numbers from the same picture."""
    shape = list(detail["shape"])
    first = shape[1] == 3
    height, width = shape[2:] if first else shape[1:3]
    rows = np.arange(height) * pixels.shape[0] // height
    columns = np.arange(width) * pixels.shape[1] // width
    x = pixels[rows][:, columns]
    form = {"colour": "BGR" if "yolox" in name or "yunet" in name else "RGB", "mean": 0, "std": 1}
    if form["colour"] == "BGR":
        x = x[:, :, ::-1]
    if detail["dtype"] == np.float32:
        if "blazeface" in name:
            form.update(mean=127.5, std=127.5)
        elif "yolox" not in name:
            form.update(std=255)
        x = (x.astype(np.float32) - np.float32(form["mean"])) / np.float32(form["std"])
    elif detail["dtype"] == np.int8:
        form.update(mean=128)
        x = (x.astype(np.int16) - 128).astype(np.int8)
    if first:
        x = x.transpose(2, 0, 1)
    return np.ascontiguousarray(x)[None], form


def parts(model, name, values, step):
    flat = values.ravel()
    stride = max(1, -(-flat.size // SAMPLES))
    part = {"name": name, "shape": list(values.shape), "step": numbers([step])[0], "stride": stride, "samples": numbers(flat[::stride])}
    columns = next((columns for key, columns in SCORE_COLUMNS.items() if model.startswith(key)), None)
    if columns is not None:
        table = values[0] if values.shape[1] > values.shape[2] else values[0].T
        scores = table[:, slice(*columns)].max(axis=1)
        best = np.argsort(-scores, kind="stable")[:BEST_ROWS]
        part["rows"] = [{"row": int(row), "score": numbers(scores[row])[0], "values": numbers(table[row])} for row in best]
    return part


def corpus(folder):
    pixels = np.asarray(Image.open(os.path.join(folder, PICTURE)).convert("RGB"))
    goldens = []
    for path in sorted(glob.glob(os.path.join(folder, "models/*.tflite"))):
        name = os.path.basename(path)
        model = open(path, "rb").read()
        interpreter = Interpreter(model_content=model)
        feed, form = prepared(interpreter.get_input_details()[0], pixels, name)
        entry = {"model": name, "picture": PICTURE, "input": form,
                 "outputs": [parts(name, *output) for output in run(model, [feed])]}
        wide = widened(model)
        if wide is not None:
            entry["widened"] = [parts(name, *output) for output in run(wide, [feed])]
        goldens.append(entry)
        print(name, [(o["name"], o["shape"]) for o in entry["outputs"]])
    write("corpus.golden.json", goldens)


def kernels(folder):
    pixels = np.asarray(Image.open(os.path.join(folder, PICTURE)).convert("RGB"))
    for path in sorted(glob.glob(os.path.join(folder, "models/*.tflite"))):
        name = os.path.basename(path)
        model = open(path, "rb").read()
        feed, _ = prepared(Interpreter(model_content=model).get_input_details()[0], pixels, name)
        plain = run(model, [feed], OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        for (output, a, _), (_, b, _) in zip(run(model, [feed]), plain):
            print(f"{name} {output}: mean {np.abs(a - b).mean():.2e}")


def write(name, goldens):
    lines = ",\n".join(json.dumps(golden, separators=(",", ":")) for golden in goldens)
    with open(os.path.join(GOLDENS, name), "w") as file:
        file.write(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    if sys.argv[1:] == ["operators"]:
        operators()
    elif sys.argv[1:2] == ["corpus"] and len(sys.argv) == 3:
        corpus(sys.argv[2])
    elif sys.argv[1:2] == ["kernels"] and len(sys.argv) == 3:
        kernels(sys.argv[2])
    else:
        sys.exit(__doc__)
