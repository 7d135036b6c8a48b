"""Prints what pycocotools says about COCO results, as JSON.

    python coco-reference.py ANNOTATIONS.json RESULTS.json

stats: the twelve numbers in pycocotools' order. classes: for each category id the AP over IoU 0.5-0.95, AP50,
AP75 and AR at 100 detections, -1 where the category has no ground truth. seconds: time of evaluate and
accumulate alone. Files may be gzipped (.gz).

Needs: pip install numpy pycocotools
"""

import contextlib
import gzip
import io
import json
import sys
import time

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def load(path):
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
        return json.load(file)


def mean(values):
    found = values[values > -1]
    return float(found.mean()) if len(found) else -1.0


def main(annotations, results):
    truth = COCO()
    with contextlib.redirect_stdout(io.StringIO()):
        truth.dataset = load(annotations)
        truth.dataset.setdefault("info", {})
        truth.createIndex()
        found = truth.loadRes(load(results))
        evaluation = COCOeval(truth, found, "bbox")
        start = time.perf_counter()
        evaluation.evaluate()
        evaluation.accumulate()
        seconds = time.perf_counter() - start
        evaluation.summarize()
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    classes = {
        str(category): {
            "ap": mean(precision[:, :, k, 0, 2]),
            "ap50": mean(precision[0, :, k, 0, 2]),
            "ap75": mean(precision[5, :, k, 0, 2]),
            "ar100": mean(recall[:, k, 0, 2]),
        }
        for k, category in enumerate(evaluation.params.catIds)
    }
    stats = [float(value) for value in evaluation.stats]
    print(json.dumps({"stats": stats, "classes": classes, "seconds": seconds}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
