npx esbuild src/training/$1.tmp.ts --bundle --platform=node --packages=external --format=esm --outfile=$1.tmp.mjs --log-level=warning && node $1.tmp.mjs "${@:2}"
