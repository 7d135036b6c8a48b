import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // Built beside the code that serves it, so that the page needs no network and no other files.
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // For work on the page itself: "npx vite web" beside a running service.
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
})
