import fc from 'fast-check'

/**
 * On a build machine property tests repeat one series of values, so that what fails there is the change that is
 * tested. Elsewhere each run draws new ones, and names the seed of what it finds.
 */
if (process.env.CI !== undefined) {
  fc.configureGlobal({ seed: Number(process.env.BOXLET_TEST_SEED ?? 20_261_201) })
}
