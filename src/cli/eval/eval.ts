import type { Verb } from '../kit/verb.ts'
import { runEval } from './run.ts'

export const verb: Verb = {
  name: 'eval',
  summary: 'Measure models on a labelled data set.',
  help: `boxlet eval MODEL... --data DATASET [options]

MODEL is a name in the catalogue or an .onnx or .tflite file. One model is measured, two are compared, more
make a table. DATASET is a COCO .json file, a Pascal VOC folder, a YOLO data.yaml, or a folder with one of these.

Data set
  --data PATH           the labelled data set
  --split NAME          part of a VOC or YOLO set: train, val, test, all (default test, else val, else all)
  --images DIR          folder of the pictures, when they are not beside the annotations
  --problems P          bad annotations and pictures: skip (default), keep, or fatal
  --limit N             only the first N pictures
  --map FILE            JSON object from labels of the model to classes of the data set; null leaves out

Model
  --labels FILE, --contract FILE, --set PATH=VALUE, --as-is     as for boxlet detect

Detection
  --min-score S         least score (default 0.001: the curves need the low ones too)
  --iou I               overlap above which the weaker box of a class goes (default: the model's)
  --max N               most detections of a picture (default 300)
  --no-every-class      only the best class of a prediction counts, as in detection (default beside a service)
  --jobs N              models run at once (default: the processors); --threads N of each (default 1)
  --no-reuse            do not keep results and do not use kept ones
  --fresh               measure anew, and keep the results

Instead of, or beside, a model
  --detections FILE     COCO results of any other tool
  --endpoint URL        a deployed Boxlet service; --api-key KEY or BOXLET_API_KEY
  --rekognition         your AWS account, DetectLabels; --region, --rekognition-model ARN for Custom Labels
  --rekognition-price D dollars a picture, for the comparison of costs (default 0.001)

Output
  --format F            table (default), json, or markdown, to standard output
  --out DIR             report.html, report.json, report.md and detections.json; for two also comparison.html
  --worst N             worst pictures in the report (default 24)
  --resamples N         bootstrap draws for the interval of a difference (default 1000, fewer for large sets)
  --write-thresholds F  write the best cut of each class into a contract file, e.g. fridge.contract.json

Exit codes: 0 measured, 1 some pictures or models failed, 2 wrong usage, 3 nothing could be measured.

Examples
  boxlet eval yolov8n --data coco/instances_val2017.json --out report
  boxlet eval fridge.onnx --labels class_map.json --data fridge-voc --split test --out report
  boxlet eval yolov8n yolov8s --data coco/ --format markdown
`,
  run: runEval,
}
