import type { Recipe } from '../../training/run/recipe.ts'
import { DEFAULT_BASE, type TeachValues } from './options.ts'

/** The command that makes the same file again: what was measured or counted on the way is written out. */
export function commandFor(
  path: string,
  out: string,
  values: TeachValues,
  recipe: Recipe,
  pictures: number,
): string {
  const epochs = (recipe.steps * recipe.batch) / pictures
  const words = [
    'boxlet teach',
    quoted(path),
    values.from === undefined
      ? `--base ${quoted(values.base ?? DEFAULT_BASE)}`
      : `--from ${quoted(values.from)}`,
    ...(values.quick ? ['--quick'] : []),
    `--size ${recipe.size}`,
    `--epochs ${shortest(epochs, recipe, pictures)}`,
    `--learn ${Number((1 - recipe.frozen).toFixed(6))}`,
    `--rate ${recipe.rate}`,
    `--batch ${recipe.batch}`,
    `--mosaic ${recipe.augmentation.mosaic}`,
    ...(recipe.augmentation.mirror ? [] : ['--no-mirror']),
    ...(values.limit === undefined ? [] : [`--limit ${values.limit}`]),
    `--problems ${values.problems} --least-objects ${values['least-objects']}`,
    ...(values.also ?? []).map((set) => `--also ${quoted(set)}`),
    ...(values.images === undefined ? [] : [`--images ${quoted(values.images)}`]),
    `--seed ${recipe.seed}`,
    `--workers ${recipe.workers}`,
    `--out ${quoted(out)}`,
  ]
  return words.join(' ')
}

/** The fewest digits that still give the same number of steps. */
function shortest(epochs: number, { steps, batch }: Recipe, pictures: number): string {
  for (let digits = 0; digits < 12; digits++) {
    const text = epochs.toFixed(digits)
    if (Math.ceil((Number(text) * pictures) / batch) === steps) {
      return text
    }
  }
  return String(epochs)
}

const quoted = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
