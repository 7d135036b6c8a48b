import { type Dataset, type ReadOptions, selectImages } from '../../datasets/dataset.ts'
import { joinDatasets, shareCategories } from '../../datasets/join.ts'
import { openParts } from '../../datasets/parts.ts'
import { type Share, stratify } from '../../datasets/split.ts'
import { BoxletError } from '../../errors.ts'
import { randomStream } from '../augment/random.ts'

/** A labelled set as training uses it. All parts have the same categories. */
export interface Division {
  train: Dataset
  /** Thresholds are chosen here, and a long run is watched. */
  val: Dataset | undefined
  /** Read once, at the end. */
  test: Dataset | undefined
  /** How it came about, for a person. */
  because: string
}

/** Shares of a set that does not say how it is divided. */
const SHARES: readonly Share[] = [
  { name: 'train', share: 0.7 },
  { name: 'val', share: 0.15 },
  { name: 'test', share: 0.15 },
]
/** Share of `train` that is taken for validation where the set names none. */
const VAL_SHARE = 0.15
/** Stream of random numbers for divisions. */
const DIVIDE = 3

/**
 * Divides a set: by what it says itself, else by the seed, so that every class keeps its share.
 *
 * @throws BoxletError DATASET_INVALID
 */
export async function divide(path: string, seed: number, options: ReadOptions = {}): Promise<Division> {
  const parts = await openParts(path, options)
  const named = new Map(parts.map(({ name, dataset }) => [name, dataset]))
  const train = named.get('train')
  if (train === undefined) {
    if (parts.length !== 1) {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected a part "train" in "${path}" but it has ${parts.map(({ name }) => name).join(', ')}.`,
      )
    }
    return divideWhole(parts[0]!.dataset, seed)
  }
  const test = withPictures(named.get('test'))
  const val = withPictures(named.get('val'))
  if (val !== undefined) {
    return { train, val, test, because: 'as the set says' }
  }
  const [kept, taken] = split(
    train,
    [
      { name: 'train', share: 1 - VAL_SHARE },
      { name: 'val', share: VAL_SHARE },
    ],
    seed,
  )
  return {
    train: kept!,
    val: withPictures(taken!),
    test,
    because: 'val is a part of train, drawn by the seed',
  }
}

function divideWhole(whole: Dataset, seed: number): Division {
  const [train, val, test] = split(whole, SHARES, seed)
  return {
    train: train!,
    val: withPictures(val!),
    test: withPictures(test!),
    because: 'drawn by the seed: 70 % train, 15 % val, 15 % test',
  }
}

/** On a part without pictures nothing can be said. */
const withPictures = (part: Dataset | undefined): Dataset | undefined =>
  part === undefined || part.images.length === 0 ? undefined : part

function split(dataset: Dataset, shares: readonly Share[], seed: number): Dataset[] {
  const ids = stratify(dataset, shares, randomStream(seed, DIVIDE))
  return shares.map(({ name }, at) => ({
    ...selectImages(dataset, ids[at]!, `${dataset.name} ${name}`),
    // Problems belong to the whole set and are told once.
    problems: at === 0 ? dataset.problems : [],
  }))
}

/**
 * Reads further sets, all of their parts, and adds them to the pictures to learn from: what jobs kept, or a tool
 * exported. `val` and `test` stay, so that a model before and after is measured on the same pictures.
 */
export async function addToTrain(
  { train, val, test, because }: Division,
  paths: readonly string[],
  options: ReadOptions,
): Promise<Division> {
  const added: Dataset[] = []
  for (const path of paths) {
    added.push(...(await openParts(path, options)).map(({ dataset }) => dataset))
  }
  const others = [val, test].filter((part) => part !== undefined)
  const [first, ...shared] = shareCategories([train, ...others, ...added])
  const [sharedVal, sharedTest] = [
    val === undefined ? undefined : shared[0],
    test === undefined ? undefined : shared[others.length - 1],
  ]
  return {
    train: joinDatasets([first!, ...shared.slice(others.length)], train.name),
    val: sharedVal,
    test: sharedTest,
    because: `${because}; ${paths.length === 1 ? 'one set' : `${paths.length} sets`} added to train`,
  }
}

/** The parts with only some pictures to learn from, to measure what more would bring. */
export function limitTrain(division: Division, pictures: number, seed: number): Division {
  const { train } = division
  if (pictures >= train.images.length) {
    return division
  }
  const shares = [
    { name: 'kept', share: pictures },
    { name: 'rest', share: train.images.length - pictures },
  ]
  const [kept] = stratify(train, shares, randomStream(seed, DIVIDE, pictures))
  return { ...division, train: selectImages(train, kept!, train.name) }
}
