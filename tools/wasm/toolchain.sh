#!/usr/bin/env bash
# Makes sure that `deno task build:wasm` has what it needs: a Rust toolchain with the target wasm32-unknown-unknown,
# wasm-pack, and wasm-bindgen of the version in crates/Cargo.lock. A second run is quick.
#
# Where rustup can download, `rustup target add wasm32-unknown-unknown` is all there is to the first. On Debian without
# that, as root, it builds the target's standard library from Debian's Rust sources (rustc-web, cargo-web, rust-web-src,
# lld-19: one matching set) and links the set as the rustup toolchain `wasm-web`.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=wasm32-unknown-unknown
bin="${CARGO_HOME:-$HOME/.cargo}/bin"
export PATH="$bin:$PATH"
has_target() { [ -d "$(RUSTUP_TOOLCHAIN="${1:-}" rustc --print target-libdir --target $target 2>/dev/null)" ]; }

if ! has_target stable && ! timeout 120 rustup target add --toolchain stable $target 2>/dev/null && ! has_target wasm-web; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    rustc-web cargo-web rust-web-src lld-19 >/dev/null
  ln -sf /usr/lib/llvm-19/bin/lld /usr/local/bin/rust-lld
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/src" && : >"$work/src/lib.rs"
  printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\npanic = "abort"\n' >"$work/Cargo.toml"
  # What an rlib of the sysroot must hold, and what cargo leaves out of it otherwise.
  (cd "$work" && env -u RUSTUP_TOOLCHAIN RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C embed-bitcode=yes" \
    CARGO_TARGET_DIR="$work/target" /usr/bin/cargo build --quiet --release -Z build-std=std,panic_abort --target $target)
  lib=/usr/lib/rustlib/$target/lib
  rm -rf "$lib" && mkdir -p "$lib"
  cp "$work/target/$target/release/deps/"*.rlib "$lib/" && rm -f "$lib"/libseed*
  rustup toolchain link wasm-web /usr
fi

# Tools are built outside of the tree, by the toolchain that runs here.
export RUSTUP_TOOLCHAIN=stable CARGO_TARGET_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/smalti/cargo-tools"
command -v wasm-pack >/dev/null || cargo install --quiet --locked wasm-pack --version 0.15.1
want=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' crates/Cargo.lock)
if [ "$(wasm-bindgen --version 2>/dev/null | cut -d' ' -f2)" != "$want" ]; then
  # Its lock file may name versions that were withdrawn since.
  cargo install --quiet --force --locked wasm-bindgen-cli --version "$want" 2>/dev/null ||
    cargo install --quiet --force wasm-bindgen-cli --version "$want"
fi
rm -rf "$CARGO_TARGET_DIR"
