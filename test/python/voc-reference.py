"""Prints the VOC AP50 of COCO results, as JSON: a transcription of the VOCdevkit's VOCevaldet.m and VOCap.m.

    python voc-reference.py ANNOTATIONS.json RESULTS.json

Two things differ from the devkit. Nothing is added to widths, since boxes are edges and not pixel counts. Equal
scores keep the order of the pictures, where the devkit's sort decides. Crowds are treated as difficult. Files may
be gzipped (.gz).

Needs: pip install numpy
"""

import gzip
import json
import sys
from collections import defaultdict

import numpy as np


def load(path):
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
        return json.load(file)


def voc_class(objects, detections):
    """objects: image -> list of (box, difficult); detections: list of (image, box, score)."""
    positives = sum(not difficult for entries in objects.values() for _, difficult in entries)
    taken = {image: [False] * len(entries) for image, entries in objects.items()}
    hits, misses = [], []
    for image, box, _ in sorted(detections, key=lambda entry: -entry[2]):
        best, best_iou = -1, -np.inf
        for j, (truth, _) in enumerate(objects.get(image, [])):
            width = min(box[0] + box[2], truth[0] + truth[2]) - max(box[0], truth[0])
            height = min(box[1] + box[3], truth[1] + truth[3]) - max(box[1], truth[1])
            if width <= 0 or height <= 0:
                continue
            iou = width * height / (box[2] * box[3] + truth[2] * truth[3] - width * height)
            if iou > best_iou:
                best, best_iou = j, iou
        if best_iou >= 0.5:
            if objects[image][best][1]:
                hits.append(0), misses.append(0)
            elif not taken[image][best]:
                taken[image][best] = True
                hits.append(1), misses.append(0)
            else:
                hits.append(0), misses.append(1)
        else:
            hits.append(0), misses.append(1)
    if positives == 0:
        return None
    hits, misses = np.cumsum(hits), np.cumsum(misses)
    recall = hits / positives
    precision = hits / np.maximum(misses + hits, np.finfo(np.float64).eps)
    eleven = np.mean([precision[recall >= t].max(initial=0) for t in np.arange(11) / 10])
    mrec = np.concatenate([[0], recall, [1]])
    mpre = np.concatenate([[0], precision, [0]])
    mpre = np.maximum.accumulate(mpre[::-1])[::-1]
    steps = np.nonzero(mrec[1:] != mrec[:-1])[0]
    return float(eleven), float(np.sum((mrec[steps + 1] - mrec[steps]) * mpre[steps + 1]))


def main(annotations, results):
    truth, found = load(annotations), load(results)
    objects, detections = defaultdict(lambda: defaultdict(list)), defaultdict(list)
    for entry in truth["annotations"]:
        objects[entry["category_id"]][entry["image_id"]].append((entry["bbox"], bool(entry["iscrowd"])))
    for entry in sorted(found, key=lambda entry: entry["image_id"]):
        detections[entry["category_id"]].append((entry["image_id"], entry["bbox"], entry["score"]))
    values = [voc_class(objects[c["id"]], detections[c["id"]]) for c in truth["categories"]]
    values = [value for value in values if value is not None]
    print(json.dumps({"ap11": np.mean([v[0] for v in values]), "apContinuous": np.mean([v[1] for v in values])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
