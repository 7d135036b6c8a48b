"""Small TFLite graphs, one for each way that an operator is used, for src/model/tflite/operators.golden.json."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from flatbuffers import flexbuffers

rng = np.random.default_rng(7)

TYPES = {
    np.dtype("float32"): tfl.TensorType.FLOAT32,
    np.dtype("float16"): tfl.TensorType.FLOAT16,
    np.dtype("int32"): tfl.TensorType.INT32,
    np.dtype("int64"): tfl.TensorType.INT64,
    np.dtype("uint8"): tfl.TensorType.UINT8,
    np.dtype("int8"): tfl.TensorType.INT8,
    np.dtype("int16"): tfl.TensorType.INT16,
    np.dtype("bool"): tfl.TensorType.BOOL,
}
SAME, VALID = tfl.Padding.SAME, tfl.Padding.VALID
ACT = tfl.ActivationFunctionType


class Graph:
    """Builds one graph; tensors are named by their index."""

    def __init__(self, name):
        self.name = name
        self.tensors, self.operators, self.codes, self.buffers = [], [], [], [tfl.BufferT()]
        self.inputs, self.outputs, self.feeds = [], [], []

    def tensor(self, shape, dtype, data=None, quant=None):
        t = tfl.TensorT()
        t.shape, t.type, t.name = list(shape), TYPES[np.dtype(dtype)], f"t{len(self.tensors)}"
        t.buffer, t.hasRank = 0, True
        if data is not None:
            buffer = tfl.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype=dtype).tobytes(), np.uint8)
            self.buffers.append(buffer)
            t.buffer = len(self.buffers) - 1
        if quant is not None:
            scales, zeros, axis = quant
            q = tfl.QuantizationParametersT()
            q.scale, q.zeroPoint = list(map(float, scales)), list(map(int, zeros))
            q.quantizedDimension = axis
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def input(self, data, quant=None):
        data = np.asarray(data)
        index = self.tensor(data.shape, data.dtype, None, quant)
        self.inputs.append(index)
        self.feeds.append(data)
        return index

    def const(self, data, dtype=None, quant=None):
        data = np.asarray(data) if dtype is None else np.asarray(data, dtype=dtype)
        return self.tensor(data.shape, data.dtype, data, quant)

    def ints(self, *values):
        return self.const(np.array(values, np.int32))

    def op(self, name, inputs, shapes, options=None, dtype=np.float32, quant=None, custom=None):
        """Adds an operator; shapes is one output shape or a list of them. Returns output index or indices."""
        many = isinstance(shapes, list)
        dtypes = dtype if isinstance(dtype, list) else [dtype] * len(shapes if many else [0])
        outputs = [self.tensor(s, d, None, quant) for s, d in zip(shapes if many else [shapes], dtypes)]
        code = tfl.OperatorCodeT()
        if custom is None:
            code.builtinCode = getattr(tfl.BuiltinOperator, name)
        else:
            code.builtinCode, code.customCode = tfl.BuiltinOperator.CUSTOM, name
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = VERSIONS.get(name, 1)
        self.codes.append(code)
        o = tfl.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs = len(self.codes) - 1, list(inputs), outputs
        if options is not None:
            o.builtinOptions = options
            o.builtinOptionsType = getattr(tfl.BuiltinOptions, type(options).__name__[:-1])
        if custom is not None:
            o.customOptions = np.frombuffer(custom, np.uint8)
        self.operators.append(o)
        return outputs if many else outputs[0]

    def finish(self, *outputs):
        self.outputs = list(outputs)
        g = tfl.SubGraphT()
        g.tensors, g.operators, g.inputs, g.outputs = self.tensors, self.operators, self.inputs, self.outputs
        m = tfl.ModelT()
        m.version, m.subgraphs, m.buffers, m.operatorCodes = 3, [g], self.buffers, self.codes
        builder = flatbuffers.Builder(1024)
        builder.Finish(m.Pack(builder), b"TFL3")
        return bytes(builder.Output())


VERSIONS = {"BROADCAST_TO": 2, "RESIZE_NEAREST_NEIGHBOR": 3, "RESIZE_BILINEAR": 3, "STRIDED_SLICE": 4, "BATCH_MATMUL": 1}


def options(kind, **values):
    o = getattr(tfl, kind + "OptionsT")()
    for key, value in values.items():
        assert hasattr(o, key), (kind, key)
        setattr(o, key, value)
    return o


def f32(*shape, low=-1.0, high=1.0):
    return rng.uniform(low, high, shape).astype(np.float32)


def conv(padding=SAME, stride=(1, 1), dilation=(1, 1), act=ACT.NONE):
    return options(
        "Conv2D", padding=padding, strideH=stride[0], strideW=stride[1],
        dilationHFactor=dilation[0], dilationWFactor=dilation[1], fusedActivationFunction=act,
    )


def depthwise(padding=SAME, stride=(1, 1), multiplier=1, dilation=(1, 1), act=ACT.NONE):
    return options(
        "DepthwiseConv2D", padding=padding, strideH=stride[0], strideW=stride[1], depthMultiplier=multiplier,
        dilationHFactor=dilation[0], dilationWFactor=dilation[1], fusedActivationFunction=act,
    )


def out_size(size, kernel, stride, padding, dilation=1):
    return -(-size // stride) if padding == SAME else (size - (kernel - 1) * dilation - 1) // stride + 1


CASES = []


def case(build):
    CASES.append(build)
    return build


def add(name, build):
    """build(graph) returns the output indices."""
    def run():
        g = Graph(name)
        outputs = build(g)
        return g, g.finish(*(outputs if isinstance(outputs, (list, tuple)) else [outputs]))
    CASES.append(run)


def picture(g, shape=(1, 5, 7, 4), low=-1.0, high=1.0, channels_first=False):
    """A picture as an input, or behind a convolution, so that the converter keeps it with channels first."""
    data = g.input(f32(*shape, low=low, high=high))
    if not channels_first:
        return data
    c = shape[3]
    eye = np.eye(c, dtype=np.float32).reshape(c, 1, 1, c)
    return g.op("CONV_2D", [data, g.const(eye), g.const(np.zeros(c, np.float32))], shape, conv())


def both(name, build):
    """The same case on a plain picture and on one kept with channels first."""
    add(name, lambda g: build(g, False))
    add(name + ", channels first", lambda g: build(g, True))


# Convolutions
for padding, stride, kernel, dilation, act in [
    (SAME, (2, 2), 3, (1, 1), ACT.NONE), (VALID, (1, 2), 3, (1, 1), ACT.RELU6), (SAME, (1, 1), 3, (2, 2), ACT.RELU),
    (SAME, (2, 1), 4, (1, 1), ACT.RELU_N1_TO_1), (VALID, (1, 1), 1, (1, 1), ACT.NONE),
]:
    def build(g, padding=padding, stride=stride, kernel=kernel, dilation=dilation, act=act):
        x = g.input(f32(1, 9, 7, 4, low=-3, high=3))
        size = [out_size(s, kernel, t, padding, d) for s, t, d in zip((9, 7), stride, dilation)]
        w, b = g.const(f32(6, kernel, kernel, 4)), g.const(f32(6))
        return g.op("CONV_2D", [x, w, b], (1, *size, 6), conv(padding, stride, dilation, act))
    add(f"CONV_2D {'SAME' if padding == SAME else 'VALID'} {kernel}x{kernel} stride {stride} dilation {dilation} activation {act}", build)

add("CONV_2D in groups", lambda g: g.op(
    "CONV_2D", [g.input(f32(1, 5, 5, 4)), g.const(f32(6, 3, 3, 2)), g.const(f32(6))], (1, 5, 5, 6), conv()))
add("CONV_2D after PAD", lambda g: g.op("CONV_2D", [
    g.op("PAD", [picture(g), g.const(np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32))], (1, 8, 8, 4), options("Pad")),
    g.const(f32(3, 3, 3, 4)), g.const(f32(3))], (1, 3, 3, 3), conv(VALID, (2, 2))))
add("CONV_2D with float16 weights", lambda g: g.op("CONV_2D", [
    picture(g), g.op("DEQUANTIZE", [g.const(f32(3, 3, 3, 4).astype(np.float16))], (3, 3, 3, 4), options("Dequantize")),
    g.op("DEQUANTIZE", [g.const(f32(3).astype(np.float16))], (3,), options("Dequantize"))], (1, 5, 7, 3), conv()))
add("DEPTHWISE_CONV_2D twice as wide", lambda g: g.op(
    "DEPTHWISE_CONV_2D", [g.input(f32(1, 6, 7, 3)), g.const(f32(1, 3, 3, 6)), g.const(f32(6))], (1, 3, 4, 6),
    depthwise(SAME, (2, 2), 2)))
add("DEPTHWISE_CONV_2D dilated", lambda g: g.op(
    "DEPTHWISE_CONV_2D", [g.input(f32(1, 9, 9, 3)), g.const(f32(1, 3, 3, 3)), g.const(f32(3))], (1, 5, 5, 3),
    depthwise(VALID, (1, 1), 1, (2, 2), ACT.RELU)))
for padding, size, kernel in [(SAME, (8, 10), 3), (VALID, (9, 11), 3), (VALID, (8, 10), 2), (SAME, (7, 9), 3)]:
    def build(g, padding=padding, size=size, kernel=kernel):
        x = g.input(f32(1, 4, 5, 3))
        w = g.const(f32(2, kernel, kernel, 3))
        o = options("TransposeConv", padding=padding, strideH=2, strideW=2)
        return g.op("TRANSPOSE_CONV", [g.ints(1, *size, 2), w, x], (1, *size, 2), o)
    add(f"TRANSPOSE_CONV {'SAME' if padding == SAME else 'VALID'} to {size} with {kernel}x{kernel}", build)

# Pools and resizing
for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
    for padding in (SAME, VALID):
        def build(g, op=op, padding=padding):
            o = options("Pool2D", padding=padding, strideH=2, strideW=2, filterHeight=3, filterWidth=2)
            size = [out_size(8, 3, 2, padding), out_size(7, 2, 2, padding)]
            return g.op(op, [g.input(f32(1, 8, 7, 3))], (1, *size, 3), o)
        add(f"{op} {'SAME' if padding == SAME else 'VALID'}", build)
for op, kind in (("RESIZE_BILINEAR", "ResizeBilinear"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor")):
    for size in ((10, 14), (7, 4), (3, 9)):
        for align, half in ((False, False), (False, True), (True, False)):
            def build(g, op=op, kind=kind, size=size, align=align, half=half):
                o = options(kind, alignCorners=align, halfPixelCenters=half)
                return g.op(op, [g.input(f32(1, 5, 7, 3)), g.ints(*size)], (1, *size, 3), o)
            add(f"{op} to {size}{' aligned' if align else ' half pixel' if half else ''}", build)

# One value at a time
for op, low, high in [
    ("ABS", -2, 2), ("CEIL", -2, 2), ("COS", -3, 3), ("ELU", -2, 2), ("EXP", -2, 2), ("FLOOR", -2, 2),
    ("HARD_SWISH", -5, 5), ("LOG", 0.1, 3), ("LOGISTIC", -6, 6), ("NEG", -2, 2), ("RELU", -2, 2),
    ("RELU6", -2, 9), ("RELU_N1_TO_1", -2, 2), ("ROUND", -2, 2), ("RSQRT", 0.1, 3), ("SIN", -3, 3),
    ("SQRT", 0, 3), ("SQUARE", -2, 2), ("TANH", -3, 3), ("RELU_0_TO_1", -2, 2), ("SIGN", -2, 2),
]:
    add(op, lambda g, op=op, low=low, high=high: g.op(op, [g.input(f32(2, 3, 4, low=low, high=high))], (2, 3, 4)))
add("LEAKY_RELU", lambda g: g.op("LEAKY_RELU", [g.input(f32(2, 6))], (2, 6), options("LeakyRelu", alpha=0.2)))
for approximate in (False, True):
    add(f"GELU{' by tanh' if approximate else ''}", lambda g, a=approximate: g.op(
        "GELU", [g.input(f32(2, 9, low=-3, high=3))], (2, 9), options("Gelu", approximate=a)))
both("PRELU", lambda g, first: g.op("PRELU", [picture(g, channels_first=first), g.const(f32(1, 1, 4))], (1, 5, 7, 4)))

# Two operands
for op, kind in (("ADD", "Add"), ("SUB", "Sub"), ("MUL", "Mul"), ("DIV", "Div")):
    for other in ((4,), (7, 4), (5, 1, 1), (1, 5, 7, 4), ()):
        both(f"{op} with {other}", lambda g, first, op=op, kind=kind, other=other: g.op(
            op, [picture(g, channels_first=first), g.const(f32(*other, low=0.5, high=2))], (1, 5, 7, 4),
            options(kind, fusedActivationFunction=ACT.RELU)))
both("SUB from a constant", lambda g, first: g.op(
    "SUB", [g.const(f32(4)), picture(g, channels_first=first)], (1, 5, 7, 4), options("Sub")))
both("ADD of an input with fewer axes", lambda g, first: g.op(
    "ADD", [picture(g, channels_first=first), g.input(f32(7, 4))], (1, 5, 7, 4), options("Add")))
both("MUL with a gate for each channel", lambda g, first: (lambda x: g.op("MUL", [
    g.op("MEAN", [x, g.ints(1, 2)], (1, 1, 1, 4), options("Reducer", keepDims=True)), x], (1, 5, 7, 4), options("Mul")))(
    picture(g, channels_first=first)))
for op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"):
    add(op, lambda g, op=op: g.op(op, [g.input(f32(3, 4, low=-9, high=9)), g.input(f32(3, 4, low=1, high=4))], (3, 4)))
for op in ("FLOOR_DIV", "FLOOR_MOD"):
    add(op + " of integers", lambda g, op=op: g.op(op, [
        g.input(np.array([-7, -4, 0, 5, 9, 7], np.int32)), g.input(np.array([3, 2, 5, 3, -4, -7], np.int32))], (6,), dtype=np.int32))
add("POW", lambda g: g.op("POW", [g.input(f32(3, 4, low=0.1, high=2)), g.input(f32(3, 4))], (3, 4), options("Pow")))
add("ADD_N", lambda g: g.op("ADD_N", [g.input(f32(3, 4)) for _ in range(3)], (3, 4), options("AddN")))
for op in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
    add(op, lambda g, op=op: g.op(op, [
        g.input(np.array([1, 2, 3, 4], np.float32)), g.input(np.array([1, 3, 2, 4], np.float32))], (4,), dtype=np.bool_))
add("LOGICAL_AND, OR and NOT", lambda g: (lambda a, b: g.op("LOGICAL_NOT", [g.op("LOGICAL_OR", [
    g.op("LOGICAL_AND", [a, b], (4,), dtype=np.bool_), a], (4,), dtype=np.bool_)], (4,), dtype=np.bool_))(
    g.input(np.array([True, True, False, False])), g.input(np.array([True, False, True, False]))))
add("SELECT_V2", lambda g: g.op("SELECT_V2", [
    g.input(np.array([[True], [False], [True]])), g.input(f32(3, 4)), g.const(f32(4))], (3, 4), options("SelectV2")))
add("SELECT", lambda g: g.op("SELECT", [
    g.input(np.array([[True, False], [False, True]])), g.input(f32(2, 2)), g.input(f32(2, 2))], (2, 2), options("Select")))

# Along an axis
for beta in (1.0, 0.5):
    both(f"SOFTMAX with beta {beta}", lambda g, first, beta=beta: g.op(
        "SOFTMAX", [picture(g, channels_first=first)], (1, 5, 7, 4), options("Softmax", beta=beta)))
both("LOG_SOFTMAX", lambda g, first: g.op("LOG_SOFTMAX", [picture(g, channels_first=first)], (1, 5, 7, 4)))
both("L2_NORMALIZATION", lambda g, first: g.op(
    "L2_NORMALIZATION", [picture(g, channels_first=first)], (1, 5, 7, 4), options("L2Norm")))
both("LOCAL_RESPONSE_NORMALIZATION", lambda g, first: g.op(
    "LOCAL_RESPONSE_NORMALIZATION", [picture(g, channels_first=first)], (1, 5, 7, 4),
    options("LocalResponseNormalization", radius=1, bias=1.0, alpha=0.5, beta=0.75)))
for op in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
    for axes, keep, shape in (((1, 2), True, (1, 1, 1, 4)), ((3,), False, (1, 5, 7)), ((1,), False, (1, 7, 4)), ((-1, 0), False, (5, 7))):
        both(f"{op} over {axes}{' kept' if keep else ''}", lambda g, first, op=op, axes=axes, keep=keep, shape=shape: g.op(
            op, [picture(g, channels_first=first), g.ints(*axes)], shape, options("Reducer", keepDims=keep)))
for op in ("REDUCE_ANY", "REDUCE_ALL"):
    add(op, lambda g, op=op: g.op(op, [
        g.input(np.array([[True, False], [True, True], [False, False]])), g.ints(1)], (3,), options("Reducer"), dtype=np.bool_))
for op, kind in (("ARG_MAX", "ArgMax"), ("ARG_MIN", "ArgMin")):
    both(op, lambda g, first, op=op, kind=kind: g.op(op, [picture(g, channels_first=first), g.ints(3)], (1, 5, 7),
         options(kind, outputType=tfl.TensorType.INT32), dtype=np.int32))
add("TOPK_V2", lambda g: g.op("TOPK_V2", [g.input(f32(2, 9)), g.const(3, np.int32)], [(2, 3), (2, 3)], options("TopKV2"),
                              dtype=[np.float32, np.int32]))
for exclusive, reverse in ((False, False), (True, False), (False, True)):
    add(f"CUMSUM{' exclusive' if exclusive else ''}{' reverse' if reverse else ''}", lambda g, e=exclusive, r=reverse: g.op(
        "CUMSUM", [g.input(f32(3, 5)), g.const(1, np.int32)], (3, 5), options("Cumsum", exclusive=e, reverse=r)))

# Shapes
both("RESHAPE of cells to rows", lambda g, first: g.op(
    "RESHAPE", [picture(g, channels_first=first), g.ints(1, 35, 4)], (1, 35, 4), options("Reshape", newShape=[1, 35, 4])))
both("RESHAPE that cuts channels", lambda g, first: g.op(
    "RESHAPE", [picture(g, channels_first=first), g.ints(1, 35, 2, 2)], (1, 35, 2, 2), options("Reshape", newShape=[1, 35, 2, 2])))
both("RESHAPE that mixes rows and channels", lambda g, first: g.op(
    "RESHAPE", [picture(g, channels_first=first), g.ints(5, 28)], (5, 28), options("Reshape", newShape=[5, 28])))
both("RESHAPE to one row", lambda g, first: g.op(
    "RESHAPE", [picture(g, channels_first=first), g.ints(1, 140)], (1, 140), options("Reshape", newShape=[1, 140])))
both("RESHAPE of anchors", lambda g, first: g.op("RESHAPE", [
    g.op("RESHAPE", [picture(g, (1, 4, 4, 6), channels_first=first), g.ints(1, 16, 3, 2)], (1, 16, 3, 2), options("Reshape", newShape=[1, 16, 3, 2])),
    g.ints(1, 48, 2)], (1, 48, 2), options("Reshape", newShape=[1, 48, 2])))
both("TRANSPOSE", lambda g, first: g.op(
    "TRANSPOSE", [picture(g, channels_first=first), g.ints(0, 3, 1, 2)], (1, 4, 5, 7), options("Transpose")))
both("TRANSPOSE twice and RESHAPE", lambda g, first: g.op("RESHAPE", [g.op("TRANSPOSE", [g.op(
    "TRANSPOSE", [picture(g, channels_first=first), g.ints(0, 3, 1, 2)], (1, 4, 5, 7), options("Transpose")),
    g.ints(2, 0, 3, 1)], (5, 1, 7, 4), options("Transpose")), g.ints(5, 28)], (5, 28), options("Reshape", newShape=[5, 28])))
add("TRANSPOSE of a constant", lambda g: g.op("ADD", [g.op(
    "TRANSPOSE", [g.const(f32(3, 4)), g.ints(1, 0)], (4, 3), options("Transpose")), g.input(f32(4, 3))], (4, 3), options("Add")))
both("SQUEEZE", lambda g, first: g.op(
    "SQUEEZE", [picture(g, channels_first=first)], (5, 7, 4), options("Squeeze", squeezeDims=[0])))
both("EXPAND_DIMS", lambda g, first: g.op(
    "EXPAND_DIMS", [picture(g, channels_first=first), g.const(1, np.int32)], (1, 1, 5, 7, 4), options("ExpandDims")))
for axis, shape in ((3, (1, 5, 7, 8)), (1, (1, 10, 7, 4)), (-2, (1, 5, 14, 4))):
    both(f"CONCATENATION along {axis}", lambda g, first, axis=axis, shape=shape: g.op(
        "CONCATENATION", [picture(g, channels_first=first), picture(g)], shape, options("Concatenation", axis=axis)))
both("PACK", lambda g, first: g.op("PACK", [picture(g, channels_first=first), picture(g)], (1, 2, 5, 7, 4),
                                   options("Pack", valuesCount=2, axis=1)))
both("UNPACK", lambda g, first: g.op("UNPACK", [picture(g, (1, 2, 3, 4), channels_first=first)], [(1, 3, 4)] * 2,
                                     options("Unpack", num=2, axis=1)))
both("TILE", lambda g, first: g.op("TILE", [picture(g, (1, 2, 3, 4), channels_first=first), g.ints(1, 2, 1, 2)], (1, 4, 3, 8), options("Tile")))
add("BROADCAST_TO", lambda g: g.op("BROADCAST_TO", [g.input(f32(3, 1)), g.ints(2, 3, 4)], (2, 3, 4), options("BroadcastTo")))
add("FILL", lambda g: g.op("ADD", [g.op("FILL", [g.ints(2, 3), g.const(0.5, np.float32)], (2, 3), options("Fill")), g.input(f32(2, 3))], (2, 3), options("Add")))
add("ZEROS_LIKE", lambda g: g.op("ZEROS_LIKE", [g.input(f32(2, 3))], (2, 3), options("ZerosLike")))
add("RANGE", lambda g: g.op("ADD", [g.op("RANGE", [g.const(0, np.float32), g.const(5, np.float32), g.const(1, np.float32)], (5,), options("Range")), g.input(f32(5))], (5,), options("Add")))
for block in (2,):
    both("SPACE_TO_DEPTH", lambda g, first: g.op("SPACE_TO_DEPTH", [picture(g, (1, 4, 6, 3), channels_first=first)], (1, 2, 3, 12), options("SpaceToDepth", blockSize=2)))
    both("DEPTH_TO_SPACE", lambda g, first: g.op("DEPTH_TO_SPACE", [picture(g, (1, 2, 3, 12), channels_first=first)], (1, 4, 6, 3), options("DepthToSpace", blockSize=2)))
both("SPACE_TO_BATCH_ND", lambda g, first: g.op("SPACE_TO_BATCH_ND", [
    picture(g, (1, 4, 5, 3), channels_first=first), g.ints(2, 2), g.const(np.array([[0, 0], [1, 0]], np.int32))], (4, 2, 3, 3), options("SpaceToBatchND")))
both("BATCH_TO_SPACE_ND", lambda g, first: g.op("BATCH_TO_SPACE_ND", [
    picture(g, (4, 2, 3, 3), channels_first=first), g.ints(2, 2), g.const(np.array([[0, 0], [1, 0]], np.int32))], (1, 4, 5, 3), options("BatchToSpaceND")))

# Parts
both("SLICE", lambda g, first: g.op("SLICE", [picture(g, channels_first=first), g.ints(0, 1, 2, 1), g.ints(1, 3, -1, 2)], (1, 3, 5, 2), options("Slice")))
for name, begin, end, step, masks, shape in [
    ("a part", (0, 1, 2, 0), (1, 4, 6, 2), (1, 1, 2, 1), {}, (1, 3, 2, 2)),
    ("masks", (9, 1, 2, 9), (9, 4, 9, 9), (1, 1, 1, 1), dict(beginMask=9, endMask=13), (1, 3, 5, 4)),
    ("negative ends", (0, 0, -3, 0), (1, -1, -1, 4), (1, 1, 1, 1), {}, (1, 4, 2, 4)),
    ("backwards", (0, 4, 0, 0), (1, 0, 7, 4), (1, -2, 1, 1), {}, (1, 2, 7, 4)),
    ("backwards to the first", (0, 4, 0, 0), (1, 0, 7, 4), (1, -1, 1, 1), dict(endMask=2), (1, 5, 7, 4)),
    ("a dropped axis", (0, 2, 0, 0), (1, 3, 7, 4), (1, 1, 1, 1), dict(shrinkAxisMask=2), (1, 7, 4)),
    ("the last of a dropped axis", (0, 0, 0, -1), (1, 5, 7, 0), (1, 1, 1, 1), dict(shrinkAxisMask=8, beginMask=7, endMask=7), (1, 5, 7)),
]:
    both(f"STRIDED_SLICE with {name}", lambda g, first, begin=begin, end=end, step=step, masks=masks, shape=shape: g.op(
        "STRIDED_SLICE", [picture(g, channels_first=first), g.ints(*begin), g.ints(*end), g.ints(*step)], shape,
        options("StridedSlice", **masks)))
both("STRIDED_SLICE with an ellipsis", lambda g, first: g.op("STRIDED_SLICE", [
    picture(g, channels_first=first), g.ints(0, 1), g.ints(0, 3), g.ints(1, 1)], (1, 5, 7, 2), options("StridedSlice", ellipsisMask=1)))
both("STRIDED_SLICE with a new axis", lambda g, first: g.op("STRIDED_SLICE", [
    picture(g, channels_first=first), g.ints(0, 0, 1), g.ints(0, 0, 3), g.ints(1, 1, 1)], (1, 1, 2, 7, 4),
    options("StridedSlice", newAxisMask=2, beginMask=1, endMask=1)))
both("SPLIT", lambda g, first: g.op("SPLIT", [g.const(3, np.int32), picture(g, channels_first=first)], [(1, 5, 7, 2)] * 2, options("Split", numSplits=2)))
both("SPLIT_V", lambda g, first: g.op("SPLIT_V", [picture(g, channels_first=first), g.ints(1, 3), g.const(-1, np.int32)], [(1, 5, 7, 1), (1, 5, 7, 3)], options("SplitV", numSplits=2)))
both("PAD", lambda g, first: g.op("PAD", [picture(g, channels_first=first), g.const(np.array([[0, 0], [1, 0], [2, 3], [0, 1]], np.int32))], (1, 6, 12, 5), options("Pad")))
both("PADV2", lambda g, first: g.op("PADV2", [picture(g, channels_first=first), g.const(np.array([[0, 0], [1, 0], [2, 3], [0, 0]], np.int32)), g.const(-2.5, np.float32)], (1, 6, 12, 4), options("PadV2")))
both("MIRROR_PAD", lambda g, first: g.op("MIRROR_PAD", [picture(g, channels_first=first), g.const(np.array([[0, 0], [1, 2], [2, 1], [0, 0]], np.int32))], (1, 8, 10, 4), options("MirrorPad", mode=tfl.MirrorPadMode.REFLECT)))
both("GATHER", lambda g, first: g.op("GATHER", [picture(g, channels_first=first), g.ints(4, 0, 2)], (1, 3, 7, 4), options("Gather", axis=1)))
add("GATHER in batches", lambda g: g.op("GATHER", [g.input(f32(2, 5, 3)), g.const(np.array([[4, 1], [0, 2]], np.int32))], (2, 2, 3), options("Gather", axis=1, batchDims=1)))
both("GATHER_ND", lambda g, first: g.op("GATHER_ND", [picture(g, channels_first=first), g.const(np.array([[0, 1], [0, 4]], np.int32))], (2, 7, 4), options("GatherNd")))
both("REVERSE_V2", lambda g, first: g.op("REVERSE_V2", [picture(g, channels_first=first), g.ints(2)], (1, 5, 7, 4), options("ReverseV2")))

# Products and types
add("FULLY_CONNECTED", lambda g: g.op("FULLY_CONNECTED", [g.input(f32(2, 8)), g.const(f32(5, 8)), g.const(f32(5))], (2, 5),
                                      options("FullyConnected", fusedActivationFunction=ACT.RELU)))
both("FULLY_CONNECTED on a picture", lambda g, first: g.op("FULLY_CONNECTED", [picture(g, channels_first=first), g.const(f32(3, 4)), -1], (1, 5, 7, 3),
                                                      options("FullyConnected", keepNumDims=True)))
both("FULLY_CONNECTED on all values", lambda g, first: g.op("FULLY_CONNECTED", [picture(g, channels_first=first), g.const(f32(3, 140)), g.const(f32(3))], (1, 3), options("FullyConnected")))
for adj_x, adj_y in ((False, False), (True, False), (False, True)):
    add(f"BATCH_MATMUL{' x turned' if adj_x else ''}{' y turned' if adj_y else ''}", lambda g, x=adj_x, y=adj_y: g.op(
        "BATCH_MATMUL", [g.input(f32(*((2, 4, 3) if x else (2, 3, 4)))), g.input(f32(*((2, 5, 4) if y else (2, 4, 5))))], (2, 3, 5),
        options("BatchMatMul", adjX=x, adjY=y)))
add("CAST to integers", lambda g: g.op("CAST", [g.input(f32(6, low=-5, high=5))], (6,), options("Cast", inDataType=0, outDataType=2), dtype=np.int32))
add("CAST to float", lambda g: g.op("CAST", [g.input(np.arange(-3, 3, dtype=np.int32))], (6,), options("Cast", inDataType=2, outDataType=0)))
add("ONE_HOT", lambda g: g.op("ONE_HOT", [g.input(np.array([0, 2, 1], np.int32)), g.const(4, np.int32), g.const(3.0, np.float32), g.const(-1.0, np.float32)], (3, 4), options("OneHot", axis=-1)))

# Quantized
Q8 = lambda scale, zero: ([scale], [zero], 0)


def codes(dtype, *shape, low=None, high=None):
    info = np.iinfo(dtype)
    return rng.integers(low if low is not None else info.min, (high if high is not None else info.max) + 1, shape).astype(dtype)


def coded_picture(g, dtype, shape=(1, 6, 7, 4), scale=0.02, zero=None):
    zero = (3 if dtype == np.int8 else 120) if zero is None else zero
    return g.input(codes(dtype, *shape), Q8(scale, zero))


def coded_conv(g, dtype, act, per_channel=True, kind="CONV_2D"):
    zero_in, zero_out = (3, -5) if dtype == np.int8 else (120, 100)
    x = g.input(codes(dtype, 1, 6, 7, 4), Q8(0.02, zero_in))
    deep = kind == "DEPTHWISE_CONV_2D"
    n = 4 if deep else 5
    shape = (1, 3, 3, 4) if deep else (5, 3, 3, 4)
    if per_channel:
        scales = rng.uniform(0.002, 0.01, n).astype(np.float32)
        w = g.const(codes(np.int8, *shape, low=-127), quant=(scales, [0] * n, 3 if deep else 0))
    else:
        scales = np.full(n, 0.006, np.float32)
        w = g.const(codes(np.uint8, *shape), quant=Q8(0.006, 131))
    bias_scale = (np.float32(0.02) * scales) if per_channel else [np.float32(0.02) * np.float32(0.006)]
    b = g.const(rng.integers(-2000, 2000, n).astype(np.int32), quant=(bias_scale, [0] * len(bias_scale), 0))
    o = depthwise(SAME, (2, 2), 1, (1, 1), act) if deep else conv(SAME, (2, 2), (1, 1), act)
    return g.op(kind, [x, w, b], (1, 3, 4, n), o, dtype=dtype, quant=Q8(0.05, zero_out))


for kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
    for act, word in ((ACT.NONE, ""), (ACT.RELU, " with RELU"), (ACT.RELU6, " with RELU6")):
        add(f"int8 {kind}{word}", lambda g, kind=kind, act=act: coded_conv(g, np.int8, act, True, kind))
        add(f"uint8 {kind}{word}", lambda g, kind=kind, act=act: coded_conv(g, np.uint8, act, False, kind))
for dtype in (np.int8, np.uint8):
    word, zero = np.dtype(dtype).name, 0 if dtype == np.int8 else 128
    add(f"{word} FULLY_CONNECTED", lambda g, dtype=dtype, zero=zero: g.op("FULLY_CONNECTED", [
        g.input(codes(dtype, 2, 8), Q8(0.02, zero + 4)), g.const(codes(dtype, 5, 8), quant=Q8(0.01, zero)),
        g.const(rng.integers(-900, 900, 5).astype(np.int32), quant=Q8(0.0002, 0))], (2, 5), options("FullyConnected"), dtype=dtype, quant=Q8(0.06, zero - 7)))
    for op, kind in (("ADD", "Add"), ("MUL", "Mul"), ("SUB", "Sub")):
        add(f"{word} {op}", lambda g, dtype=dtype, zero=zero, op=op, kind=kind: g.op(op, [
            g.input(codes(dtype, 1, 4, 4, 3), Q8(0.03, zero + 1)), g.input(codes(dtype, 1, 4, 4, 3), Q8(0.02, zero - 9))], (1, 4, 4, 3),
            options(kind), dtype=dtype, quant=Q8(0.05 if op != "MUL" else 0.06, zero + 5)))
    add(f"{word} MUL with a constant", lambda g, dtype=dtype, zero=zero: g.op("MUL", [
        g.input(codes(dtype, 1, 4, 4, 3), Q8(0.03, zero + 1)), g.const(codes(dtype, 3), quant=Q8(0.02, zero - 9))], (1, 4, 4, 3),
        options("Mul"), dtype=dtype, quant=Q8(0.06, zero + 5)))
    add(f"{word} LOGISTIC", lambda g, dtype=dtype, zero=zero: g.op(
        "LOGISTIC", [coded_picture(g, dtype, scale=0.05)], (1, 6, 7, 4), dtype=dtype, quant=Q8(1 / 256, -128 if dtype == np.int8 else 0)))
    add(f"{word} SOFTMAX", lambda g, dtype=dtype, zero=zero: g.op(
        "SOFTMAX", [g.input(codes(dtype, 6, 9), Q8(0.05, zero))], (6, 9), options("Softmax", beta=1.0), dtype=dtype, quant=Q8(1 / 256, -128 if dtype == np.int8 else 0)))
    zero_of = lambda dtype: 3 if dtype == np.int8 else 120
    add(f"{word} MAX_POOL_2D", lambda g, dtype=dtype: g.op("MAX_POOL_2D", [coded_picture(g, dtype)], (1, 3, 4, 4),
        options("Pool2D", padding=SAME, strideH=2, strideW=2, filterHeight=3, filterWidth=3), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
    add(f"{word} AVERAGE_POOL_2D", lambda g, dtype=dtype: g.op("AVERAGE_POOL_2D", [coded_picture(g, dtype)], (1, 3, 4, 4),
        options("Pool2D", padding=SAME, strideH=2, strideW=2, filterHeight=3, filterWidth=3), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
    add(f"{word} RESIZE_NEAREST_NEIGHBOR", lambda g, dtype=dtype: g.op("RESIZE_NEAREST_NEIGHBOR", [coded_picture(g, dtype), g.ints(12, 14)], (1, 12, 14, 4),
        options("ResizeNearestNeighbor", halfPixelCenters=True), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
    add(f"{word} RESIZE_BILINEAR", lambda g, dtype=dtype: g.op("RESIZE_BILINEAR", [coded_picture(g, dtype), g.ints(12, 14)], (1, 12, 14, 4),
        options("ResizeBilinear", halfPixelCenters=True), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
    add(f"{word} PAD", lambda g, dtype=dtype: g.op("PAD", [coded_picture(g, dtype), g.const(np.array([[0, 0], [1, 1], [0, 2], [0, 0]], np.int32))], (1, 8, 9, 4),
        options("Pad"), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
    add(f"{word} MEAN", lambda g, dtype=dtype: g.op("MEAN", [coded_picture(g, dtype), g.ints(1, 2)], (1, 4),
        options("Reducer"), dtype=dtype, quant=Q8(0.01, zero_of(dtype))))
    add(f"{word} CONCATENATION", lambda g, dtype=dtype: g.op("CONCATENATION", [coded_picture(g, dtype), coded_picture(g, dtype)], (1, 6, 7, 8),
        options("Concatenation", axis=3), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
    add(f"{word} TRANSPOSE and RESHAPE", lambda g, dtype=dtype: g.op("RESHAPE", [
        g.op("TRANSPOSE", [coded_picture(g, dtype), g.ints(0, 3, 1, 2)], (1, 4, 6, 7), options("Transpose"), dtype=dtype, quant=Q8(0.02, zero_of(dtype))),
        g.ints(4, 42)], (4, 42), options("Reshape", newShape=[4, 42]), dtype=dtype, quant=Q8(0.02, zero_of(dtype))))
add("uint8 CONCATENATION of two scales", lambda g: g.op("CONCATENATION", [
    coded_picture(g, np.uint8), coded_picture(g, np.uint8, scale=0.01, zero=90)], (1, 6, 7, 8), options("Concatenation", axis=3), dtype=np.uint8, quant=Q8(0.02, 120)))
add("QUANTIZE from float", lambda g: g.op("QUANTIZE", [g.input(f32(4, 5, low=-3, high=3))], (4, 5), options("Quantize"), dtype=np.int8, quant=Q8(0.02, 5)))
add("QUANTIZE from uint8 to int8", lambda g: g.op("QUANTIZE", [coded_picture(g, np.uint8)], (1, 6, 7, 4), options("Quantize"), dtype=np.int8, quant=Q8(0.03, -8)))
add("DEQUANTIZE", lambda g: g.op("DEQUANTIZE", [coded_picture(g, np.int8)], (1, 6, 7, 4), options("Dequantize")))
add("int16 ADD", lambda g: g.op("ADD", [g.input(codes(np.int16, 2, 9), Q8(0.0001, 0)), g.input(codes(np.int16, 2, 9), Q8(0.0002, 0))], (2, 9),
    options("Add", potScaleInt16=False), dtype=np.int16, quant=Q8(0.0003, 0)))
add("int16 CONV_2D", lambda g: g.op("CONV_2D", [
    g.input(codes(np.int16, 1, 6, 7, 4), Q8(0.0001, 0)), g.const(codes(np.int8, 5, 3, 3, 4, low=-127), quant=([0.01] * 5, [0] * 5, 0)),
    g.const(rng.integers(-9000, 9000, 5).astype(np.int64), quant=([1e-6] * 5, [0] * 5, 0))], (1, 6, 7, 5), conv(), dtype=np.int16, quant=Q8(0.002, 0)))
add("int16 LOGISTIC", lambda g: g.op("LOGISTIC", [g.input(codes(np.int16, 2, 9), Q8(0.0002, 0))], (2, 9), dtype=np.int16, quant=Q8(1 / 32768, 0)))


# Suppression and scattering
def corners(n):
    a = rng.uniform(0, 0.6, (n, 2))
    return np.concatenate([a, a + rng.uniform(0.2, 0.4, (n, 2))], 1).astype(np.float32)


def suppression(g, version):
    inputs = [g.input(corners(16)), g.input(f32(16, low=0)), g.const(6, np.int32), g.const(0.4, np.float32), g.const(0.2, np.float32)]
    if version == 4:
        return g.op("NON_MAX_SUPPRESSION_V4", inputs, [(6,), ()], options("NonMaxSuppressionV4"), dtype=[np.int32, np.int32])
    return g.op("NON_MAX_SUPPRESSION_V5", [*inputs, g.const(0.0, np.float32)], [(6,), (6,), ()], options("NonMaxSuppressionV5"),
                dtype=[np.int32, np.float32, np.int32])


for version in (4, 5):
    add(f"NON_MAX_SUPPRESSION_V{version}", lambda g, version=version: suppression(g, version))
add("SCATTER_ND", lambda g: g.op("SCATTER_ND", [
    g.const(np.array([[2], [0], [2]], np.int32)), g.input(f32(3, 4)), g.ints(5, 4)], (5, 4), options("ScatterNd")))


# Detection
def detection_options(regular):
    b = flexbuffers.Builder()
    with b.Map():
        for key, value in (("max_detections", 6), ("max_classes_per_detection", 1), ("num_classes", 3), ("detections_per_class", 4)):
            b.Int(key, value)
        b.Bool("use_regular_nms", regular)
        for key, value in (("nms_score_threshold", 0.1), ("nms_iou_threshold", 0.5), ("y_scale", 10.0), ("x_scale", 10.0), ("h_scale", 5.0), ("w_scale", 5.0)):
            b.Float(key, value)
    return bytes(b.Finish())


def detection(g, regular, background):
    n = 20
    anchors = np.concatenate([rng.uniform(0.2, 0.8, (n, 2)), rng.uniform(0.2, 0.5, (n, 2))], 1).astype(np.float32)
    scores = rng.uniform(0, 1, (1, n, 3 + background)).astype(np.float32) ** 3
    inputs = [g.input(f32(1, n, 4)), g.input(scores), g.const(anchors)]
    return g.op("TFLite_Detection_PostProcess", inputs, [(1, 6, 4), (1, 6), (1, 6), (1,)], custom=detection_options(regular))


for regular in (False, True):
    for background in (0, 1):
        add(f"TFLite_Detection_PostProcess{' by class' if regular else ''}{' with background' if background else ''}",
            lambda g, regular=regular, background=background: detection(g, regular, background))


# What the converter refuses, with a part of its message
REFUSED = []


def refuse(name, message, build):
    def run():
        g = Graph(name)
        return g, g.finish(build(g)), message
    REFUSED.append(run)


def free_size(g):
    x = g.input(f32(1, 1, 1, 4))
    g.tensors[x].shapeSignature = [1, -1, -1, 4]
    return g.op("RELU", [x], (1, 1, 1, 4))


def state(g):
    x = g.tensor((2, 3), np.float32)
    g.tensors[x].isVariable = True
    return g.op("ADD", [x, g.input(f32(2, 3))], (2, 3), options("Add"))


refuse("an input of free size", "an input of free size", free_size)
refuse("a loop", "WHILE", lambda g: g.op("WHILE", [g.input(f32(2))], (2,), options("While", condSubgraphIndex=0, bodySubgraphIndex=0)))
refuse("an unknown custom operator", "SomethingOfOurOwn", lambda g: g.op("SomethingOfOurOwn", [g.input(f32(2))], (2,), custom=b"\0"))
refuse("a state between runs", "a state that is kept between runs", state)
refuse("a fused tanh", "the activation tanh of ADD", lambda g: g.op("ADD", [g.input(f32(2)), g.const(f32(2))], (2,), options("Add", fusedActivationFunction=ACT.TANH)))
refuse("axes that are computed", "the axes of SUM computed while the model runs", lambda g: g.op("SUM", [g.input(f32(2, 3)), g.input(np.array([1], np.int32))], (2,), options("Reducer")))
