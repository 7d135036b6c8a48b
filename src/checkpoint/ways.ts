/** Makers' own ways to ONNX, by the package of a class that Boxlet does not know. */
const WAYS: readonly (readonly [RegExp, string])[] = [
  [/^ultralytics\./, '"yolo export model=best.pt format=onnx"'],
  [/^yolov6\./, '"python deploy/ONNX/export_onnx.py --weights best.pt" of YOLOv6'],
  [
    /^(?:models|yolov5|yolov7)\./,
    '"python export.py --weights best.pt" of its repository, YOLOv5, YOLOv7 or YOLOv9',
  ],
  [/^super_gradients\./, '"model.export(\'model.onnx\')" of SuperGradients'],
  [/^(?:mmdet|mmyolo|mmcv|mmengine)\./, '"python tools/deploy.py" of MMDeploy'],
  [/^detectron2\./, '"tools/deploy/export_model.py --format onnx" of Detectron2'],
  [/^transformers\./, '"optimum-cli export onnx --model FOLDER out/" of Hugging Face'],
  [/^torchvision\./, 'torch.onnx.export'],
]

/** What to do with a network of this class. */
export function exportHint(type: string): string {
  const way = WAYS.find(([packages]) => packages.test(type))?.[1]
  return way === undefined
    ? 'Export it to ONNX where it was trained (Ultralytics: "yolo export model=best.pt format=onnx") and use that file.'
    : `Export it to ONNX where it was trained, with ${way}, and use that file.`
}
