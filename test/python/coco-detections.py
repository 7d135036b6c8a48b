"""Makes reference detections on a COCO set with plain Python: OpenCV, NumPy and ONNX Runtime.

    python coco-detections.py MODEL.onnx FAMILY ANNOTATIONS.json IMAGES OUT.json

FAMILY is yolov8 (letterboxed RGB, [1, 4 + classes, n]), yolox (top-left BGR, undecoded grid) or deim
(stretched RGB, boxes in pixels of the picture). Scores from 0.001, suppression per class at IoU 0.7,
at most 300 boxes a picture. Boxes are rounded to 2 decimals and scores to 5, so that the stored files stay
small; the stored metrics are computed from the rounded values. Written as COCO results.

Needs: pip install numpy opencv-python-headless onnxruntime
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

MIN_SCORE, IOU, MAX_BOXES = 0.001, 0.7, 300


def suppress(boxes, scores, classes):
    """Greedy suppression per class: classes are moved apart so that they never overlap."""
    order = np.argsort(-scores, kind="stable")
    shifted = boxes + classes[:, None] * 10000.0
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    keep = []
    while len(order) and len(keep) < MAX_BOXES:
        best, rest = order[0], order[1:]
        keep.append(best)
        width = np.minimum(shifted[best, 2], shifted[rest, 2]) - np.maximum(shifted[best, 0], shifted[rest, 0])
        height = np.minimum(shifted[best, 3], shifted[rest, 3]) - np.maximum(shifted[best, 1], shifted[rest, 1])
        common = np.clip(width, 0, None) * np.clip(height, 0, None)
        order = rest[common / (areas[best] + areas[rest] - common + 1e-12) <= IOU]
    return np.array(keep, dtype=int)


def candidates(boxes, scores):
    """All (box, class) pairs at or above the least score."""
    rows, classes = np.nonzero(scores >= MIN_SCORE)
    return boxes[rows], scores[rows, classes], classes


def centre_to_corners(boxes):
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def yolov8(session, picture):
    size = 640
    height, width = picture.shape[:2]
    scale = min(size / height, size / width)
    new_w, new_h = round(width * scale), round(height * scale)
    left, top = (size - new_w) // 2, (size - new_h) // 2
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[top : top + new_h, left : left + new_w] = cv2.resize(picture, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    tensor = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None]).astype(np.float32) / 255
    out = session.run(None, {session.get_inputs()[0].name: tensor})[0][0].T
    boxes = centre_to_corners(out[:, :4])
    boxes, scores, classes = candidates(boxes, out[:, 4:])
    boxes = (boxes - np.array([left, top, left, top])) / np.array([new_w / width, new_h / height] * 2)
    keep = suppress(boxes, scores, classes)
    return boxes[keep], scores[keep], classes[keep]


def yolox(session, picture):
    size = session.get_inputs()[0].shape[2]
    height, width = picture.shape[:2]
    scale = min(size / height, size / width)
    new_w, new_h = int(width * scale), int(height * scale)
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[:new_h, :new_w] = cv2.resize(picture, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None]).astype(np.float32)
    out = session.run(None, {session.get_inputs()[0].name: tensor})[0][0]
    grids, strides = [], []
    for stride in (8, 16, 32):
        cells = size // stride
        ys, xs = np.mgrid[:cells, :cells]
        grids.append(np.stack([xs, ys], 2).reshape(-1, 2))
        strides.append(np.full((cells * cells, 1), stride))
    grid, stride = np.concatenate(grids), np.concatenate(strides)
    centred = np.concatenate([(out[:, :2] + grid) * stride, np.exp(out[:, 2:4]) * stride], axis=1)
    boxes, scores, classes = candidates(centre_to_corners(centred) / scale, out[:, 4:5] * out[:, 5:])
    keep = suppress(boxes, scores, classes)
    return boxes[keep], scores[keep], classes[keep]


def deim(session, picture):
    names = [i.name for i in session.get_inputs()]
    height, width = picture.shape[:2]
    size = session.get_inputs()[0].shape[2]
    resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
    tensor = np.ascontiguousarray(resized.transpose(2, 0, 1)[None]).astype(np.float32) / 255
    sizes = np.array([[width, height]], np.int64)
    labels, boxes, scores = session.run(None, {names[0]: tensor, names[1]: sizes})
    keep = scores[0] >= MIN_SCORE
    return boxes[0][keep], scores[0][keep], labels[0][keep]


def main(model, family, annotations, images, out):
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    truth = json.loads(Path(annotations).read_text())
    ids = sorted(category["id"] for category in truth["categories"])
    run = {"yolov8": yolov8, "yolox": yolox, "deim": deim}[family]
    results = []
    for image in sorted(truth["images"], key=lambda entry: entry["id"]):
        boxes, scores, classes = run(session, cv2.imread(str(Path(images) / image["file_name"])))
        height, width = image["height"], image["width"]
        boxes = np.clip(boxes, 0, [width, height, width, height])
        for (x1, y1, x2, y2), score, label in zip(boxes.tolist(), scores.tolist(), classes.tolist()):
            box = [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]
            results.append(
                {"image_id": image["id"], "category_id": ids[int(label)], "bbox": box, "score": round(score, 5)}
            )
    Path(out).write_text(json.dumps(results, separators=(",", ":")))
    print(f"{len(results)} detections in {len(truth['images'])} pictures")


if __name__ == "__main__":
    main(*sys.argv[1:])
