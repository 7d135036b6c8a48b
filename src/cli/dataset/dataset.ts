import { BoxletError } from '../../errors.ts'
import type { Verb } from '../kit/verb.ts'
import { convert, split, stats, view } from './actions.ts'

const ACTIONS = { convert, stats, split, view }

export const verb: Verb = {
  name: 'dataset',
  summary: 'Convert, count, split and look at labelled data sets.',
  help: `boxlet dataset ACTION DATASET [options]

DATASET is a COCO .json file, a Pascal VOC folder, a YOLO data.yaml, or a folder with one of these.

Actions
  stats DATASET                   count classes, sizes and pictures, and list what is wrong, with file and line
  convert DATASET --to F --out DIR    write it as coco, voc or yolo, with its parts
  split DATASET --parts P --out DIR   divide it so that every class keeps its share, e.g. --parts train=0.8,val=0.2
  view DATASET --out FILE.html    pictures with their labels, as one page

Options
  --split NAME      only this part of a VOC or YOLO set: train, val, test, all
  --images DIR      folder of the pictures, when they are not beside the annotations
  --problems P      bad annotations: skip (default), keep, or fatal
  --classes A,B     names that are expected; objects of other classes are then problems
  --format F        stats: table (default), json or markdown
  --no-check        stats: do not decode the pictures to find damaged ones
  --to F            convert, split: coco, voc or yolo (split: default the format of the set)
  --out DIR, -o     convert, split: an empty folder; view: a file
  --pictures P      convert, split: copy (default), link, or none
  --force           convert, split: write into a folder that holds files
  --seed N          split, view: another division or choice (default 1)
  --limit N         view: so many pictures (default 60), spread over the set
  --class NAME      view: only pictures with this class (may be repeated)

Exit codes: 0 all well, 1 done but something is wrong in the set, 2 wrong usage, 3 nothing could be done.

Examples
  boxlet dataset stats fridge-voc
  boxlet dataset convert coco/instances_val2017.json --to yolo --out coco-yolo
  boxlet dataset split fridge.json --parts train=0.7,val=0.15,test=0.15 --out fridge-parts
  boxlet dataset view fridge-voc --split test --out look.html
`,
  async run(args, io) {
    const [action, ...rest] = args
    const found = Object.entries(ACTIONS).find(([name]) => name === action)
    if (found === undefined) {
      throw new BoxletError(
        'USAGE',
        `Expected one of ${Object.keys(ACTIONS).join(', ')} but received "${action ?? 'nothing'}".`,
        {
          hint: 'Run: boxlet dataset --help',
        },
      )
    }
    return found[1](rest, io)
  },
}
