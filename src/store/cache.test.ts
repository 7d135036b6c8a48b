import { expect, test } from 'vitest'
import { cacheFolder, unwritable } from './cache.ts'

const folder = (env: Record<string, string>, platform: NodeJS.Platform) =>
  cacheFolder({ HOME: '/home/ann', ...env }, platform).replaceAll('\\', '/')

test('the cache lies where the platform keeps such files', () => {
  expect(folder({}, 'linux')).toBe('/home/ann/.cache/boxlet')
  expect(folder({}, 'darwin')).toBe('/home/ann/Library/Caches/boxlet')
  expect(folder({ LOCALAPPDATA: '/home/ann/AppData/Local' }, 'win32')).toBe(
    '/home/ann/AppData/Local/boxlet/Cache',
  )
})

test('XDG_CACHE_HOME moves it, unless it is relative, which the specification says to ignore', () => {
  expect(folder({ XDG_CACHE_HOME: '/var/cache' }, 'linux')).toBe('/var/cache/boxlet')
  expect(folder({ XDG_CACHE_HOME: 'cache' }, 'linux')).toBe('/home/ann/.cache/boxlet')
})

test('BOXLET_CACHE wins', () => {
  expect(folder({ BOXLET_CACHE: 'models', XDG_CACHE_HOME: '/var/cache' }, 'linux')).toBe('models')
})

test('advises to free space only where space is what is missing', () => {
  expect(unwritable('be written', { code: 'EACCES' }).hint).toBe(
    'Set BOXLET_CACHE to a folder that can be written.',
  )
  expect(unwritable('be written', { code: 'ENOSPC' }).hint).toContain('Free some space')
})
