/**
 * The signing library as a module of ours, to be loaded on demand: a bundler gives the names of a CommonJS package
 * to an import that stands here, and not to one that is made while running.
 */
export { SignatureV4 } from '@smithy/signature-v4'
